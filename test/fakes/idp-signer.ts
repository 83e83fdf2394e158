import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";

export type Algorithm = "RS256" | "PS256" | "ES256" | "EdDSA";

const make = {
  RS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  PS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  EdDSA: () => generateKeyPairSync("ed25519"),
};

/** An issuer's key: signs any text, well-formed or not. */
export class Signer {
  readonly publicKey: KeyObject;
  readonly #privateKey: KeyObject;
  readonly algorithm: Algorithm;
  readonly kid: string | undefined;

  constructor(algorithm: Algorithm, kid?: string) {
    ({ publicKey: this.publicKey, privateKey: this.#privateKey } = make[algorithm]());
    this.algorithm = algorithm;
    this.kid = kid;
  }

  /** The public key as it is published. */
  get jwk(): Record<string, unknown> {
    const id = this.kid === undefined ? {} : { kid: this.kid };
    return { ...this.publicKey.export({ format: "jwk" }), ...id, use: "sig" };
  }

  /** A token with this header and these claims, over the defaults of a well-behaved issuer. */
  token(claims: object, header: object = {}): string {
    return this.raw(JSON.stringify({ alg: this.algorithm, kid: this.kid, ...header }), JSON.stringify(claims));
  }

  /** A token with exactly these texts inside. */
  raw(header: string, payload: string): string {
    const input = `${segment(header)}.${segment(payload)}`;
    return `${input}.${this.#signature(input).toString("base64url")}`;
  }

  #signature(input: string): Buffer {
    const data = Buffer.from(input);
    const key = this.#privateKey;
    if (this.algorithm === "EdDSA") return sign(null, data, key);
    if (this.algorithm === "ES256") return sign("sha256", data, { key, dsaEncoding: "ieee-p1363" });
    return sign("sha256", data, this.algorithm === "PS256" ? { key, padding: 6, saltLength: 32 } : { key });
  }
}

export function segment(text: string | Buffer): string {
  return Buffer.from(text).toString("base64url");
}
