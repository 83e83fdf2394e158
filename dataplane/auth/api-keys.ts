import { hash, timingSafeEqual } from "node:crypto";
import type { RenderedPolicies } from "../../api/policies/index.ts";
import { once } from "../compile-once.ts";
import type { CompileContext } from "../policy.ts";
import type { Refusal, Termination } from "../rejection.ts";
import { deadlinesOf } from "./deadlines.ts";
import type { ProofOf, Verifier } from "./verifier.ts";

type ApiKeySettings = NonNullable<NonNullable<RenderedPolicies["authentication"]>["apiKey"]>;

type Key = ApiKeySettings["keys"][number];

/** 32 bytes in base64url. */
const DIGEST = /^[A-Za-z0-9_-]{43}$/;

/** Verifies API keys by their SHA-256 digest: as fast for a wrong key as for a right one, among 10,000 as among one. */
export function apiKeyVerifier(
  settings: ApiKeySettings,
  context: Pick<CompileContext, "memory" | "clock">,
): Verifier<"apiKey"> {
  const { clock, memory } = context;
  const deadlines = deadlinesOf(context);
  const keys = once(memory, "api keys", settings.keys, () => compile(settings));
  /** Why a key that is known is not good; undefined: it is. The log may name its client, and never the key. */
  const fault = (key: Key): (Termination & Refusal) | undefined => {
    const words = `the API key of the client ${key.client}`;
    if (key.disabled) return { reason: "CredentialRevoked", cause: `${words} is disabled` };
    // Written so that NaN counts as passed.
    if (clock.wall() < expiryOf(key)) return undefined;
    return { reason: "CredentialExpired", cause: `${words} expired at ${key.expiresAt}` };
  };

  return {
    async verify(credential) {
      const digest = hash("sha256", credential, "buffer");
      const text = digest.toString("base64url");
      const known = keys.get(text);
      const key =
        known !== undefined && timingSafeEqual(Buffer.from(known.digest, "base64url"), digest) ? known : undefined;
      if (key === undefined) return { reason: "CredentialInvalid", cause: "no Secret of the route has this API key" };
      return fault(key) ?? { method: "apiKey", client: key.client, digest: text };
    },
    review({ digest, client }: ProofOf<"apiKey">) {
      const key = keys.get(digest);
      if (key !== undefined && key.client === client) return fault(key);
      return { reason: "CredentialRevoked", cause: `the API key of the client ${client} was removed` };
    },
    watch({ digest }, end) {
      const key = keys.get(digest);
      if (key === undefined) return () => {};
      return deadlines.at(expiryOf(key), () => end(fault(key) ?? { reason: "CredentialExpired" }));
    },
  };
}

/** The first of two entries with one digest wins, as where the config was made. What is no SHA-256 is left out. */
function compile(settings: ApiKeySettings): Map<string, Key> {
  const keys = new Map<string, Key>();
  for (const key of settings.keys) if (DIGEST.test(key.digest) && !keys.has(key.digest)) keys.set(key.digest, key);
  return keys;
}

/** Milliseconds since the epoch. */
function expiryOf({ expiresAt }: Key): number {
  return expiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(expiresAt);
}
