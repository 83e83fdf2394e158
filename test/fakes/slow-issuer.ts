import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** An introspection endpoint that says yes to every token once it is released: until then handshakes wait. */
export class SlowIssuer {
  readonly #server: Server;
  readonly #held: { readonly token: string; readonly response: ServerResponse }[] = [];
  #holds: (token: string) => boolean = () => true;
  /** Questions that came. */
  asked = 0;
  /** What is said of an active token. */
  claims: object;
  /** Tokens that are not good, or no more. */
  isInactive: (token: string) => boolean = () => false;

  constructor(claims: object = { sub: "alice" }) {
    this.claims = claims;
    this.#server = createServer((request, response) => {
      this.asked += 1;
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        const token = new URLSearchParams(body).get("token") ?? "";
        if (this.#holds(token)) this.#held.push({ token, response });
        else this.#answer(token, response);
      });
      response.on("error", () => {});
    });
  }

  async open(): Promise<this> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return this;
  }

  /** A policy that asks here about the token in `Authorization`, each time. */
  get policy(): object {
    const { port } = this.#server.address() as AddressInfo;
    const endpoint = `http://127.0.0.1:${port}/introspect`;
    const credentials = { username: "gateway", password: "issuer-secret" };
    return {
      require: "All",
      introspection: { endpoint, allowHttp: true, credentials, clientClaim: "sub", cache: "0s" },
    };
  }

  /** From now on questions about these tokens wait for an answer. */
  hold(holds: (token: string) => boolean = () => true): void {
    this.#holds = holds;
  }

  /** Questions that wait. */
  get waiting(): number {
    return this.#held.length;
  }

  /** Answers so many of those that have waited longest, and goes on holding others. */
  answer(count = 1): void {
    for (const { token, response } of this.#held.splice(0, count)) this.#answer(token, response);
  }

  /** Answers what waits, and from now on at once. */
  release(): void {
    this.hold(() => false);
    this.answer(this.#held.length);
  }

  async close(): Promise<void> {
    this.release();
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #answer(token: string, response: ServerResponse): void {
    response.setHeader("content-type", "application/json");
    if (this.isInactive(token)) response.end(JSON.stringify({ active: false }));
    else response.end(JSON.stringify({ active: true, exp: Math.floor(Date.now() / 1000) + 3600, ...this.claims }));
  }
}
