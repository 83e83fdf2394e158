/** The proven identity of a client, and the credentials that prove it. */
export interface Identity {
  /** Client id; undefined where the route is open. */
  readonly client: string | undefined;
  /** Claims of the verified token or introspection answer; empty for API keys. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Each credential that was accepted. Only the authentication policy reads its members. */
  readonly proofs: readonly Proof[];
}

/** An accepted credential. Never logged. */
export type Proof =
  | { readonly method: "apiKey"; readonly client: string; readonly digest: string }
  | {
      readonly method: "jwt";
      readonly client: string;
      readonly claims: Readonly<Record<string, unknown>>;
      /** Which key of which set verified it. */
      readonly keyId: string;
      /** The signature's algorithm. */
      readonly algorithm: string;
    }
  | {
      readonly method: "introspection";
      readonly client: string;
      readonly claims: Readonly<Record<string, unknown>>;
      /** The issuer is asked about it again while the session is open. */
      readonly token: string;
    };

export type Method = Proof["method"];

/** A client of an open route. */
export const ANYONE: Identity = { client: undefined, claims: {}, proofs: [] };

/** The subject that a limit `per` Client counts: the client, or the address of a client that is not identified. */
export function clientSubject(client: string | undefined, addressSubject: string): string {
  return client === undefined ? `address ${addressSubject}` : `client ${client}`;
}
