import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import Provider, { type Adapter } from "oidc-provider";

/** What the provider issues for a resource. */
export interface Resource {
  readonly format: "jwt" | "opaque";
  readonly algorithm?: "RS256" | "ES256";
  /** Seconds. */
  readonly ttl?: number;
  /** In each of its tokens, beside the registered ones. */
  readonly claims?: object;
}

/** The clients that may fetch tokens, and the one as which the gateway asks about them. */
const APP = { username: "app", password: "app-secret" };
export const GATEWAY = { username: "gateway", password: "gateway-secret" };

/** The scope that every resource has; a token carries it only where it is asked for. */
const SCOPE = "chat:connect";

/** Where the provider listens, and the host of its URLs. */
export interface ListenAddress {
  readonly host: string;
  readonly address: string;
  /** 0: any free port. */
  readonly port: number;
}

const LOOPBACK: ListenAddress = { host: "127.0.0.1", address: "127.0.0.1", port: 0 };

/**
 * A real OAuth server (oidc-provider), by default on loopback. Tests can rotate its keys and take it down for a while.
 */
export class IdentityProvider {
  readonly #resources: Readonly<Record<string, Resource>>;
  readonly #server: Server;
  /** What was issued, by kind; outlives a rotation of the keys. */
  readonly #issued = new Map<string, Map<string, object>>();
  readonly #listenOn: ListenAddress;
  #port: number;
  #handle: RequestListener;
  /** Path of each request, in order. */
  readonly requests: string[] = [];

  /** By resource indicator (RFC 8707): an absolute URI, which becomes the audience. */
  constructor(resources: Readonly<Record<string, Resource>>, listenOn = LOOPBACK) {
    this.#resources = resources;
    this.#listenOn = listenOn;
    this.#port = listenOn.port;
    this.#handle = this.#port === 0 ? () => {} : this.#provider(newKeys());
    this.#server = createServer((request, response) => {
      this.requests.push(request.url ?? "");
      this.#handle(request, response);
    });
  }

  get issuer(): string {
    return `http://${this.#listenOn.host}:${this.#port}`;
  }

  get jwks(): string {
    return `${this.issuer}/jwks`;
  }

  get introspection(): string {
    return `${this.issuer}/token/introspection`;
  }

  /** Number of requests for a URL. */
  asked(url: string): number {
    return this.requests.filter((path) => this.issuer + path === url).length;
  }

  /** Opens the server; after `down` on the same port again. */
  async up(): Promise<this> {
    this.#server.listen(this.#port, this.#listenOn.address);
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

  close(): Promise<void> {
    return this.down();
  }

  /**
   * Signs with new keys from now on and no longer publishes the old ones. `kid`: key id of the RSA key, instead of its
   * digest.
   */
  rotate(kid?: string): void {
    const keys = newKeys();
    if (kid !== undefined) Object.assign(keys[0] ?? {}, { kid });
    this.#handle = this.#provider(keys);
  }

  /** A token for a resource, from the client credentials grant. */
  async token(resource: string, scope = SCOPE): Promise<string> {
    const answer: unknown = await this.#post("/token", { grant_type: "client_credentials", resource, scope });
    if (typeof answer === "object" && answer !== null && "access_token" in answer) return String(answer.access_token);
    throw new Error(JSON.stringify(answer));
  }

  async revoke(token: string): Promise<void> {
    await this.#post("/token/revocation", { token });
  }

  #provider(keys: readonly object[]): RequestListener {
    const client = ({ username, password }: typeof APP) => ({
      client_id: username,
      client_secret: password,
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
    });
    const getResourceServerInfo = (_: unknown, audience: string) => {
      const { format, algorithm = "RS256", ttl = 600 } = this.#resource(audience);
      const jwt = { sign: { alg: algorithm } };
      return { audience, scope: SCOPE, accessTokenTTL: ttl, accessTokenFormat: format, jwt };
    };
    const provider = new Provider(this.issuer, {
      adapter: (kind) => this.#adapter(kind),
      clients: [client(APP), client(GATEWAY)],
      jwks: { keys },
      extraTokenClaims: (_, { aud }) => this.#resource(aud).claims,
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        introspection: { enabled: true, allowedPolicy: () => true },
        revocation: { enabled: true, allowedPolicy: () => true },
        resourceIndicators: { enabled: true, getResourceServerInfo },
      },
      ttl: { ClientCredentials: (_, { resourceServer }) => resourceServer?.accessTokenTTL ?? 600 },
    });
    return provider.callback();
  }

  #resource(name: string): Resource {
    const resource = this.#resources[name];
    if (resource === undefined) throw new Error(`the provider issues nothing for ${name}`);
    return resource;
  }

  #adapter(kind: string): Adapter {
    const issued = this.#issued.get(kind) ?? new Map<string, object>();
    this.#issued.set(kind, issued);
    return {
      upsert: async (id, payload) => void issued.set(id, payload),
      find: async (id) => issued.get(id),
      destroy: async (id) => void issued.delete(id),
    };
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

/** An RSA key and an EC key. */
function newKeys(): object[] {
  const pairs = [
    generateKeyPairSync("rsa", { modulusLength: 2048 }),
    generateKeyPairSync("ec", { namedCurve: "P-256" }),
  ];
  return pairs.map(({ privateKey }) => ({ ...privateKey.export({ format: "jwk" }), use: "sig" }));
}
