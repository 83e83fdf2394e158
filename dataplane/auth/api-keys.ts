import { hash, timingSafeEqual } from "node:crypto";
import type { RenderedPolicies } from "../../api/policies/index.ts";
import { once } from "../compile-once.ts";
import type { CompileContext } from "../policies/policy.ts";
import { deadlinesOf } from "./deadlines.ts";
import type { ProofOf, Verifier } from "./verifier.ts";

type Settings = NonNullable<NonNullable<RenderedPolicies["authentication"]>["apiKey"]>;

interface Key {
  readonly client: string;
  readonly digest: Buffer;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  readonly disabled: boolean;
}

/** Verifies API keys by their SHA-256 digest: as fast for a wrong key as for a right one, among 10,000 as among one. */
export function apiKeyVerifier(
  settings: Settings,
  context: Pick<CompileContext, "memory" | "clock">,
): Verifier<"apiKey"> {
  const { clock, memory } = context;
  const deadlines = deadlinesOf(context);
  const keys = once(memory, "api keys", settings.keys, () => compile(settings));
  const state = (key: Key | undefined): "CredentialInvalid" | "CredentialRevoked" | "CredentialExpired" | undefined => {
    if (key === undefined) return "CredentialInvalid";
    if (key.disabled) return "CredentialRevoked";
    // Written so that a time that is none (NaN) has passed.
    return clock.wall() < key.expiresAt ? undefined : "CredentialExpired";
  };

  return {
    async verify(credential) {
      const digest = hash("sha256", credential, "buffer");
      const text = digest.toString("base64url");
      const known = keys.get(text);
      const key = known !== undefined && timingSafeEqual(known.digest, digest) ? known : undefined;
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
      return deadlines.at(key.expiresAt, () => end({ reason: "CredentialExpired" }));
    },
  };
}

/** The first of two entries with one digest wins, as where the config was made. */
function compile(settings: Settings): Map<string, Key> {
  const keys = new Map<string, Key>();
  for (const { client, digest, expiresAt, disabled } of settings.keys) {
    const bytes = Buffer.from(digest, "base64url");
    if (bytes.length !== 32 || keys.has(digest)) continue;
    const expiry = expiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(expiresAt);
    keys.set(digest, { client, digest: bytes, expiresAt: expiry, disabled });
  }
  return keys;
}
