/** The part of oidc-provider that the tests use; the package brings no types. */
declare module "oidc-provider" {
  import type { RequestListener } from "node:http";

  interface Client {
    readonly client_id: string;
    readonly client_secret: string;
    readonly grant_types: readonly string[];
    readonly redirect_uris: readonly string[];
    readonly response_types: readonly string[];
  }

  /** A token under way from the grant to the client. */
  interface Token {
    readonly aud: string;
    readonly resourceServer?: { readonly accessTokenTTL: number };
  }

  interface ResourceServer {
    readonly audience: string;
    /** Scopes that may be asked for, separated by spaces. */
    readonly scope: string;
    /** Seconds. */
    readonly accessTokenTTL: number;
    readonly accessTokenFormat: "jwt" | "opaque";
    readonly jwt: { readonly sign: { readonly alg: string } };
  }

  interface Endpoint {
    readonly enabled: true;
    readonly allowedPolicy: () => boolean;
  }

  /** Keeps what the server issued of one kind. */
  export interface Adapter {
    upsert(id: string, payload: object): Promise<void>;
    find(id: string): Promise<object | undefined>;
    destroy(id: string): Promise<void>;
  }

  interface Configuration {
    readonly adapter: (kind: string) => Adapter;
    readonly clients: readonly Client[];
    readonly jwks: { readonly keys: readonly object[] };
    readonly extraTokenClaims: (context: unknown, token: Token) => object | undefined;
    readonly features: {
      readonly devInteractions: { readonly enabled: false };
      readonly clientCredentials: { readonly enabled: true };
      readonly introspection: Endpoint;
      readonly revocation: Endpoint;
      readonly resourceIndicators: {
        readonly enabled: true;
        readonly getResourceServerInfo: (context: unknown, resource: string) => ResourceServer;
      };
    };
    readonly ttl: { readonly ClientCredentials: (context: unknown, token: Token) => number };
  }

  export default class Provider {
    constructor(issuer: string, configuration: Configuration);
    callback(): RequestListener;
  }
}
