import { errors, jwtVerify } from "jose";
import type { RenderedPolicies } from "../../api/policies/index.ts";
import { parseDuration } from "../../api/quantities.ts";
import { once } from "../compile-once.ts";
import type { CompileContext } from "../policy.ts";
import type { Refusal } from "../rejection.ts";
import { clientOf, timeOf, unmet, type Claims } from "./claims.ts";
import { joseHeader } from "./compact-jws.ts";
import { deadlinesOf } from "./deadlines.ts";
import type { Fetch } from "./guarded-fetch.ts";
import { RemoteKeySet } from "./key-set.ts";
import { inlineKeys, NO_KEYS, type KeySource } from "./key-source.ts";
import { importKeys, type KeyChoice } from "./keys.ts";
import type { Verifier } from "./verifier.ts";

type JwtSettings = NonNullable<NonNullable<RenderedPolicies["authentication"]>["jwt"]>;

const INVALID: Refusal = { reason: "CredentialInvalid" };

/** Types of tokens that grant access; others, such as logout tokens, are signed with the same keys (RFC 8725 §3.11). */
const TYPES = new Set(["jwt", "jose", "at+jwt"]);

/** Verifies signed tokens: algorithms, keys, issuer and audience are the config's, never the token's. */
export function jwtVerifier(settings: JwtSettings, context: CompileContext, fetch: Fetch): Verifier<"jwt"> {
  const { clock } = context;
  const deadlines = deadlinesOf(context);
  const keys = keySource(settings, context, fetch);
  const skew = parseDuration(settings.clockSkew);
  const endOf = (claims: Claims): number => timeOf(claims, "exp", Number.NaN) + skew;

  return {
    async verify(token, { signal }) {
      const choice = keyChoice(token, settings.algorithms);
      if (choice === undefined) return INVALID;
      const candidates = await keys.find(choice, signal);
      if ("reason" in candidates) return candidates;
      let claims: { payload: Claims } | Refusal = INVALID;
      let keyId = "";
      for (const { id, key } of candidates) {
        claims = await verified(token, key, settings, skew, clock.wall());
        keyId = id;
        if (claims !== INVALID) break; // the signature is this key's, or the token has expired
      }
      if ("reason" in claims) return claims;
      const client = clientOf(claims.payload, settings.clientClaim);
      const end = endOf(claims.payload);
      if (client === undefined || Number.isNaN(end)) return INVALID;
      // jose counts in whole seconds; a live session ends to the millisecond, and its client must not come back in between.
      if (clock.wall() >= end) return { reason: "CredentialExpired" };
      const reason = unmet(claims.payload, settings);
      if (reason !== undefined) return { reason };
      return { method: "jwt", client, claims: claims.payload, keyId, algorithm: choice.algorithm };
    },

    review({ claims, keyId, algorithm }) {
      const { issuer, audiences, algorithms } = settings;
      const audience = Array.isArray(claims["aud"]) ? claims["aud"] : [claims["aud"]];
      const accepted = claims["iss"] === issuer && audiences.some((it) => audience.includes(it));
      if (!accepted || !algorithms.some((it) => it === algorithm)) return { reason: "CredentialRevoked" };
      if (keys.holds(keyId) === false) return { reason: "CredentialRevoked" };
      if (clock.wall() >= endOf(claims)) return { reason: "CredentialExpired" };
      const reason = unmet(claims, settings);
      return reason === undefined ? undefined : { reason };
    },

    watch({ claims, keyId }, end) {
      const stops = [
        deadlines.at(endOf(claims), () => end({ reason: "CredentialExpired" })),
        keys.watch(() => {
          if (keys.holds(keyId) === false) end({ reason: "CredentialRevoked" });
        }),
      ];
      return () => stops.forEach((stop) => stop());
    },
  };
}

function keySource(
  { issuer, jwks: { uri, allowHttp, keys } }: JwtSettings,
  context: CompileContext,
  fetch: Fetch,
): KeySource {
  if (uri !== undefined) {
    const { memory, clock, log } = context;
    // Key sets of two issuers never mix, even with the same key ids; nor do those with and without allowHttp.
    const name = `jwks ${JSON.stringify([issuer, uri, allowHttp])}`;
    return memory.recall(name, () => new RemoteKeySet({ issuer, uri, allowHttp }, fetch, clock, log));
  }
  return keys === undefined ? NO_KEYS : once(context.memory, "key set", keys, () => inlineKeys(importKeys(keys)));
}

/** What of the header may choose a key; undefined if no key could make the token good. */
function keyChoice(token: string, algorithms: readonly string[]): KeyChoice | undefined {
  const { alg, kid, typ } = joseHeader(token) ?? {};
  if (typeof alg !== "string" || !algorithms.includes(alg)) return undefined;
  if (kid !== undefined && typeof kid !== "string") return undefined;
  if (typ !== undefined && !(typeof typ === "string" && TYPES.has(typ.toLowerCase().replace(/^application\//, "")))) {
    return undefined;
  }
  return { algorithm: alg, kid };
}

async function verified(
  token: string,
  key: Parameters<typeof jwtVerify>[1],
  { algorithms, issuer, audiences }: JwtSettings,
  skew: number,
  wall: number,
): Promise<{ payload: Claims } | Refusal> {
  try {
    return await jwtVerify(token, key, {
      algorithms,
      issuer,
      audience: audiences,
      requiredClaims: ["exp"],
      clockTolerance: skew / 1000,
      currentDate: new Date(wall),
    });
  } catch (error) {
    // Any other failure means that the token is not proven.
    return error instanceof errors.JWTExpired ? { reason: "CredentialExpired" } : INVALID;
  }
}
