import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { textAnswer, type AdminAnswer } from "./admin-endpoint.ts";

/** Why a request to a closed endpoint was refused. */
export type GateReason = "Host" | "Origin" | "Token";

const SCHEME = "bearer ";

/**
 * Decides which requests get an answer of the closed endpoints: those whose Host is an IP address or localhost and that
 * bring the token. Without a token every request is refused.
 */
export class AdminGate {
  readonly #refused: (reason: GateReason) => void;
  #digest: Buffer | undefined;
  #inForce = new AbortController();

  /** `refused` is called for each request that the gate refuses. */
  constructor(refused: (reason: GateReason) => void = () => {}) {
    this.#refused = refused;
  }

  /** From now on only this token is accepted; undefined: none is. */
  use(token: string | undefined): void {
    const digest = token === undefined ? undefined : digestOf(token);
    if (digest === undefined ? this.#digest === undefined : this.#digest?.equals(digest) === true) return;
    this.#digest = digest;
    const before = this.#inForce;
    this.#inForce = new AbortController();
    before.abort();
  }

  /** Aborts when the token of now is not accepted any more. */
  get inForce(): AbortSignal {
    return this.#inForce.signal;
  }

  /** The refusal of a request to a closed endpoint; undefined: the request passes. */
  refusal({ headersDistinct }: IncomingMessage): AdminAnswer | undefined {
    const { host = [], origin, authorization = [] } = headersDistinct;
    const [authority = ""] = host;
    // DNS rebinding: an attacker's DNS server can lead a name of its own to this port. A page of that name would then have
    // the same origin as the port.
    if (host.length !== 1 || !namesAddress(authority)) {
      return this.#refuse(
        "Host",
        textAnswer(421, "this endpoint is asked by an IP address or localhost, and no other name"),
      );
    }
    const foreign = origin?.some((one) => one.toLowerCase() !== `http://${authority.toLowerCase()}`) ?? false;
    if (foreign) return this.#refuse("Origin", textAnswer(403, "pages of another origin may not ask this endpoint"));
    if (this.#admits(authorization)) return undefined;
    const words = "this endpoint wants the header Authorization: Bearer <admin token>";
    return this.#refuse("Token", textAnswer(401, words, { "www-authenticate": 'Bearer realm="wsproxy admin"' }));
  }

  #admits(values: readonly string[]): boolean {
    const [value = ""] = values;
    if (this.#digest === undefined || values.length !== 1) return false;
    if (value.slice(0, SCHEME.length).toLowerCase() !== SCHEME) return false;
    // Digests have one length: the time of the comparison shows neither the token's length nor how much of it was right.
    return timingSafeEqual(digestOf(value.slice(SCHEME.length)), this.#digest);
  }

  #refuse(reason: GateReason, answer: AdminAnswer): AdminAnswer {
    this.#refused(reason);
    return answer;
  }
}

function digestOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

/** True for an address or localhost, with or without a port: `127.0.0.1:9090`, `[::1]`, `localhost:9090`. */
function namesAddress(authority: string): boolean {
  const bracket = authority.startsWith("[") ? authority.indexOf("]") : -1;
  const colon = authority.indexOf(":", bracket + 1);
  const host = colon === -1 ? authority : authority.slice(0, colon);
  const port = colon === -1 ? "" : authority.slice(colon + 1);
  if (!/^[0-9]{0,5}$/.test(port)) return false;
  if (bracket !== -1) return host.endsWith("]") && isIP(host.slice(1, -1)) === 6;
  return isIP(host) === 4 || host.toLowerCase() === "localhost";
}
