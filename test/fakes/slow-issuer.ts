import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** An introspection endpoint that says yes to everybody, when it is told to: holds handshakes up before they are admitted. */
export class SlowIssuer {
  readonly #server: Server;
  readonly #held: ServerResponse[] = [];
  #holding = true;
  /** Questions that came. */
  asked = 0;

  readonly #claims: object;

  constructor(claims: object = { sub: "alice" }) {
    this.#claims = claims;
    this.#server = createServer((request, response) => {
      this.asked += 1;
      request.resume();
      request.on("end", () => (this.#holding ? this.#held.push(response) : this.#answer(response)));
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

  hold(): void {
    this.#holding = true;
  }

  /** Answers what waits, and from now on at once. */
  release(): void {
    this.#holding = false;
    for (const response of this.#held.splice(0)) this.#answer(response);
  }

  async close(): Promise<void> {
    this.release();
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #answer(response: ServerResponse): void {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ active: true, exp: Math.floor(Date.now() / 1000) + 3600, ...this.#claims }));
  }
}
