import { hash, timingSafeEqual } from "node:crypto";
import type { RenderedPolicies } from "../../api/policies/index.ts";
import { once } from "../compile-once.ts";
import type { CompileContext } from "../policy.ts";
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
  const state = (key: Key | undefined): "CredentialInvalid" | "CredentialRevoked" | "CredentialExpired" | undefined => {
    if (key === undefined) return "CredentialInvalid";
    if (key.disabled) return "CredentialRevoked";
    // Written so that NaN counts as passed.
    return clock.wall() < expiryOf(key) ? undefined : "CredentialExpired";
  };

  return {
    async verify(credential) {
      const digest = hash("sha256", credential, "buffer");
      const text = digest.toString("base64url");
      const known = keys.get(text);
      const key =
        known !== undefined && timingSafeEqual(Buffer.from(known.digest, "base64url"), digest) ? known : undefined;
      const reason = state(key);
      if (key === undefined || reason !== undefined) return { reason: reason ?? "CredentialInvalid" };
      return { method: "apiKey", client: key.client, digest: text };
    },
    review({ digest, client }: ProofOf<"apiKey">) {
      const key = keys.get(digest);
      if (key === undefined || key.client !== client) return { reason: "CredentialRevoked" };
      const reason = state(key);
      return reason === undefined || reason === "CredentialInvalid" ? undefined : { reason };
    },
    watch({ digest }, end) {
      const key = keys.get(digest);
      if (key === undefined) return () => {};
      return deadlines.at(expiryOf(key), () => end({ reason: "CredentialExpired" }));
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
