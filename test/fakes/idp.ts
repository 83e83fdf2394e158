import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import Provider from "oidc-provider";

/** What the provider issues for a resource. */
export interface Resource {
  readonly format: "jwt" | "opaque";
  readonly algorithm?: "RS256" | "ES256";
  /** Seconds. */
  readonly ttl?: number;
}

/** Who may fetch tokens, and as whom the gateway asks about them. */
export const APP = { username: "app", password: "app-secret" };
export const GATEWAY = { username: "gateway", password: "gateway-secret" };

/** A real OAuth server (oidc-provider) on loopback, whose keys can be rotated and which can be taken down for a while. */
export class IdentityProvider {
  readonly #resources: Readonly<Record<string, Resource>>;
  readonly #server: Server;
  #port = 0;
  #handle: RequestListener = () => {};
  /** Requests by path. */
  readonly requests: string[] = [];

  constructor(resources: Readonly<Record<string, Resource>>) {
    this.#resources = resources;
    this.#server = createServer((request, response) => {
      this.requests.push(request.url ?? "");
      this.#handle(request, response);
    });
  }

  get issuer(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get jwks(): string {
    return `${this.issuer}/jwks`;
  }

  get introspection(): string {
    return `${this.issuer}/token/introspection`;
  }

  /** Opens, the second time on the port of the first. */
  async up(): Promise<this> {
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("not listening");
    if (this.#port === 0) {
      this.#port = address.port;
      this.rotate();
    }
    return this;
  }

  async down(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  /** Begins to sign with new keys; the old ones are published no more. */
  rotate(): void {
    const keys = [
      { ...generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" }), use: "sig" },
      { ...generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" }), use: "sig" },
    ];
    const client = (id: { username: string; password: string }): object => ({
      client_id: id.username,
      client_secret: id.password,
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
    });
    const getResourceServerInfo = (_: unknown, audience: string): object => {
      const { format, algorithm = "RS256", ttl = 600 } = this.#resources[audience] ?? { format: "opaque" };
      const jwt = { sign: { alg: algorithm } };
      return { audience, scope: "chat:connect", accessTokenTTL: ttl, accessTokenFormat: format, jwt };
    };
    const provider = new Provider(this.issuer, {
      clients: [client(APP), client(GATEWAY)],
      jwks: { keys },
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        introspection: { enabled: true, allowedPolicy: () => true },
        revocation: { enabled: true, allowedPolicy: () => true },
        resourceIndicators: {
          enabled: true,
          defaultResource: () => Object.keys(this.#resources)[0],
          getResourceServerInfo,
        },
      },
      ttl: {
        ClientCredentials: (_: unknown, token: { resourceServer?: { accessTokenTTL: number } }) =>
          token.resourceServer?.accessTokenTTL ?? 600,
      },
    });
    this.#handle = provider.callback();
  }

  /** A token for a resource, from the client credentials grant. */
  async token(resource: string, scope = "chat:connect"): Promise<string> {
    const answer: unknown = await this.#post("/token", { grant_type: "client_credentials", resource, scope });
    if (typeof answer === "object" && answer !== null && "access_token" in answer) return String(answer.access_token);
    throw new Error(JSON.stringify(answer));
  }

  async revoke(token: string): Promise<void> {
    await this.#post("/token/revocation", { token });
  }

  async #post(path: string, form: Record<string, string>): Promise<unknown> {
    const authorization = `Basic ${btoa(`${APP.username}:${APP.password}`)}`;
    const response = await fetch(this.issuer + path, {
      method: "POST",
      headers: { authorization, connection: "close" },
      body: new URLSearchParams(form),
    });
    const text = await response.text();
    return text === "" ? undefined : JSON.parse(text);
  }
}
