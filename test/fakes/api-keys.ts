import { createHash } from "node:crypto";

/** The API key of a test's client, long enough to be valid. */
export const keyOf = (client: string): string => `${client}-key-0123456789abcdef`;

export const digestOf = (key: string): string => createHash("sha256").update(key).digest("base64url");

/** An API key of a rendered config. */
export interface KeyEntry {
  readonly client: string;
  readonly key?: string;
  readonly expiresAt?: string;
  readonly disabled?: boolean;
}

/** Rendered settings of `apiKey` for these clients, each with its `keyOf` unless another is given. */
export function apiKey(clients: readonly (string | KeyEntry)[], from?: readonly object[]): object {
  const keys = clients
    .map((it): KeyEntry => (typeof it === "string" ? { client: it } : it))
    .map(({ client, key = keyOf(client), disabled = false, ...rest }) => ({
      ...{ client, digest: digestOf(key), disabled },
      ...rest,
    }));
  return { from: from ?? [{ header: "x-api-key" }, { query: "apikey" }], keys };
}

/** The authentication policy that requires one of these keys. */
export function withKeys(
  clients: readonly (string | KeyEntry)[],
  from?: readonly object[],
): { authentication: object } {
  return { authentication: { require: "All", apiKey: apiKey(clients, from) } };
}
