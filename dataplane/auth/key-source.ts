import type { Refusal } from "../rejection.ts";
import { namedKeys, unnamedKeys, whyNoKey, type KeyChoice, type VerificationKey } from "./keys.ts";

/** Where the keys of an issuer come from. */
export interface KeySource {
  /** The keys to try a token's signature with, in order: one at least; or why there is none. */
  find(choice: KeyChoice, signal: AbortSignal): Promise<readonly VerificationKey[] | Refusal>;
  /** Is the key with this id in the set? undefined: that cannot be told now. */
  holds(id: string): boolean | undefined;
  /** Calls `changed` whenever the set was replaced, and keeps it refreshed; the returned function stops both. */
  watch(changed: () => void): () => void;
}

/** Keys that stand in the config. */
export function inlineKeys(keys: readonly VerificationKey[]): KeySource {
  const ids = new Set(keys.map(({ id }) => id));
  return {
    find: async (choice) => {
      const named = namedKeys(keys, choice);
      const found = named.length > 0 ? named : unnamedKeys(keys, choice);
      return found.length > 0 ? found : { reason: "CredentialInvalid", cause: whyNoKey(keys, choice) };
    },
    holds: (id) => ids.has(id),
    watch: () => () => {},
  };
}

/** A reference that could not be resolved: no client gets in, and nothing is known against the sessions that are open. */
export const NO_KEYS: KeySource = {
  find: async () => ({
    reason: "IdentityProviderUnavailable",
    retryAfter: 10,
    cause: "the Secret or ConfigMap of the key set is missing or has no usable key: see the condition ResolvedRefs",
  }),
  holds: () => undefined,
  watch: () => () => {},
};
