import type { Refusal } from "../rejection.ts";
import { chooseKey, type KeyChoice, type VerificationKey } from "./keys.ts";

/** Where the keys of an issuer come from. */
export interface KeySource {
  /** The key for a token, or why there is none. */
  find(choice: KeyChoice, signal: AbortSignal): Promise<VerificationKey | Refusal>;
  /** Is the key with this id in the set? undefined: that cannot be told now. */
  holds(id: string): boolean | undefined;
  /** Calls `changed` whenever the set was replaced, and keeps it refreshed; the returned function stops both. */
  watch(changed: () => void): () => void;
}

/** Keys that stand in the config. */
export function inlineKeys(keys: readonly VerificationKey[]): KeySource {
  const ids = new Set(keys.map(({ id }) => id));
  return {
    find: async (choice) => chooseKey(keys, choice) ?? { reason: "CredentialInvalid" },
    holds: (id) => ids.has(id),
    watch: () => () => {},
  };
}

/** A reference that could not be resolved: no client gets in, and nothing is known against the sessions that are open. */
export const NO_KEYS: KeySource = {
  find: async () => ({ reason: "IdentityProviderUnavailable", retryAfter: 10, cause: "the key set is not resolved" }),
  holds: () => undefined,
  watch: () => () => {},
};
