import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { textAnswer, type AdminAnswer } from "./admin-endpoint.ts";

/** Why a request to a closed endpoint was refused. */
export type GateReason = "Host" | "Origin" | "Token";

const SCHEME = "bearer ";

/**
 * Decides which requests may see the closed endpoints of an admin port: those that name the port by an address and bring
 * the token. Without a token, none.
 */
export class AdminGate {
  readonly #refused: (reason: GateReason) => void;
  #digest: Buffer | undefined;

  /** `refused` hears of each request that was turned away. */
  constructor(refused: (reason: GateReason) => void = () => {}) {
    this.#refused = refused;
  }

  /** From now on this token is taken, and no other; undefined: none is. */
  use(token: string | undefined): void {
    this.#digest = token === undefined ? undefined : digestOf(token);
  }

  /** The answer to a request that may not see a closed endpoint; undefined: it may. */
  refusal({ headersDistinct }: IncomingMessage): AdminAnswer | undefined {
    const { host = [], origin, authorization = [] } = headersDistinct;
    const [authority = ""] = host;
    // A name may belong to an attacker: a page in a browser reaches this port under a name that its own DNS server leads here.
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
    // Digests have one length, so that the time tells neither the token's length nor how much of it was right.
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

/** Is it `127.0.0.1:9090`, `[::1]`, `localhost:9090`? The host is bounded by the head's size. */
function namesAddress(authority: string): boolean {
  const bracket = authority.startsWith("[") ? authority.indexOf("]") : -1;
  const colon = authority.indexOf(":", bracket + 1);
  const host = colon === -1 ? authority : authority.slice(0, colon);
  const port = colon === -1 ? "" : authority.slice(colon + 1);
  if (!/^[0-9]{0,5}$/.test(port)) return false;
  if (bracket !== -1) return host.endsWith("]") && isIP(host.slice(1, -1)) === 6;
  return isIP(host) === 4 || host.toLowerCase() === "localhost";
}
