/** Who a client was proven to be, and what the proof stands on. */
export interface Identity {
  /** Client id; undefined where the route is open. */
  readonly client: string | undefined;
  /** Claims of the verified token or introspection answer; empty for API keys. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Each credential that was accepted. The authentication policy alone reads inside. */
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
      /** Of the signature. */
      readonly algorithm: string;
    }
  | {
      readonly method: "introspection";
      readonly client: string;
      readonly claims: Readonly<Record<string, unknown>>;
      /** Kept to ask again while the session lives. */
      readonly token: string;
    };

export type Method = Proof["method"];

/** A client of an open route. */
export const ANYONE: Identity = { client: undefined, claims: {}, proofs: [] };

/** The subject that a limit `per` Client counts: the client, or its address where nobody is identified. */
export function clientSubject(client: string | undefined, addressSubject: string): string {
  return client === undefined ? `address ${addressSubject}` : `client ${client}`;
}
