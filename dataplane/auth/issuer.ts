import { errors, jwtVerify } from "jose";
import type { RenderedPolicies } from "../../api/policies/index.ts";
import { algorithmOf, namesOf, presentMembers } from "../../api/json-web-keys.ts";
import { quoted } from "../../api/problem.ts";
import { parseDuration } from "../../api/quantities.ts";
import { once } from "../compile-once.ts";
import type { CompileContext } from "../policy.ts";
import type { Refusal, Termination } from "../rejection.ts";
import { clientOf, timeOf, unmetRequirement, type Claims } from "./claims.ts";
import { deadlinesOf } from "./deadlines.ts";
import type { Fetch } from "./guarded-fetch.ts";
import { RemoteKeySet } from "./key-set.ts";
import { inlineKeys, NO_KEYS, type KeySource } from "./key-source.ts";
import { importKeys, type KeyChoice, type VerificationKey } from "./keys.ts";
import { expired, faultOf, invalid, shown } from "./token-faults.ts";
import type { ProofOf, Verifier } from "./verifier.ts";

/** The settings for the tokens of one issuer. */
export type IssuerSettings = NonNullable<NonNullable<RenderedPolicies["authentication"]>["jwt"]>[number];

/** A token that has the form of a signed JWT; nothing in it is proven. */
export interface UnprovenToken {
  readonly text: string;
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Claims;
}

/** Types of tokens that grant access; others, such as logout tokens, are signed with the same keys (RFC 8725 §3.11). */
const TYPES = new Set(["jwt", "jose", "at+jwt"]);

const revoked = (cause: string): Termination => ({ reason: "CredentialRevoked", cause });

/** Verifies the signed tokens of one issuer: algorithms, keys and audiences are the config's, never the token's. */
export function issuerVerifier(
  settings: IssuerSettings,
  context: CompileContext,
  fetch: Fetch,
): Verifier<"jwt", UnprovenToken> {
  const { clock } = context;
  const deadlines = deadlinesOf(context);
  const keys = keySource(settings, context, fetch);
  const skew = parseDuration(settings.clockSkew);
  const endOf = (claims: Claims): number => timeOf(claims, "exp", Number.NaN) + skew;

  return {
    async verify(token, { signal }) {
      const choice = keyChoice(token.header, settings.algorithms);
      if ("reason" in choice) return choice;
      const candidates = await keys.find(choice, signal);
      if ("reason" in candidates) return candidates;
      const proven = await verified(token, candidates, settings, skew, clock.wall());
      if ("reason" in proven) return proven;
      const { claims, keyId } = proven;
      const client = clientOf(claims, settings.clientClaim);
      const end = endOf(claims);
      if (client === undefined) return invalid(`the claim ${quoted(settings.clientClaim)} is no client id`);
      if (Number.isNaN(end)) return invalid("the claim exp is no time");
      // jose counts in whole seconds; a live session ends to the millisecond, and its client must not come back in between.
      if (clock.wall() >= end) return expired(claims);
      const missing = unmetRequirement(claims, settings);
      if (missing !== undefined) return missing;
      return { method: "jwt", client, claims, keyId, algorithm: choice.algorithm };
    },

    review({ claims, keyId, algorithm }) {
      const { audiences, algorithms } = settings;
      if (audiences.length > 0 && !audiences.some((it) => listOf(claims["aud"]).includes(it))) {
        return revoked("its audience is no longer accepted");
      }
      if (!algorithms.some((it) => it === algorithm)) return revoked("its algorithm is no longer accepted");
      if (keys.holds(keyId) === false) return revoked(KEY_GONE);
      if (clock.wall() >= endOf(claims)) return expired(claims);
      return unmetRequirement(claims, settings);
    },

    watch({ claims, keyId }: ProofOf<"jwt">, end) {
      const stops = [
        deadlines.at(endOf(claims), () => end(expired(claims))),
        keys.watch(() => {
          if (keys.holds(keyId) === false) end(revoked(KEY_GONE));
        }),
      ];
      return () => stops.forEach((stop) => stop());
    },
  };
}

const KEY_GONE = "its issuer no longer has the key that signed it";

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function keySource(
  { issuer, jwks: { uri, allowHttp, keys } }: IssuerSettings,
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

/** What of the header may choose a key, or why no key could make the token good. */
function keyChoice(header: UnprovenToken["header"], algorithms: readonly string[]): KeyChoice | Refusal {
  const { alg, kid, typ } = presentMembers(header);
  const algorithm = algorithmOf(alg);
  if (!algorithms.includes(algorithm)) return invalid(`the algorithm ${shown(alg)} is not accepted`);
  if (kid !== undefined && typeof kid !== "string") return invalid(`the kid is ${shown(kid)}`);
  if (typ !== undefined && !(typeof typ === "string" && TYPES.has(typ.toLowerCase().replace(/^application\//, "")))) {
    return invalid(`the type ${shown(typ)} is not that of an access token`);
  }
  return { algorithm, kid };
}

/** The claims of a token that one of the candidates signed, or why it is refused. */
async function verified(
  { text, claims }: UnprovenToken,
  candidates: readonly VerificationKey[],
  { algorithms, issuer, audiences }: IssuerSettings,
  skew: number,
  wall: number,
): Promise<{ readonly claims: Claims; readonly keyId: string } | Refusal> {
  const options = {
    algorithms: namesOf(algorithms),
    issuer,
    ...(audiences.length === 0 ? {} : { audience: audiences }),
    requiredClaims: ["exp"],
    clockTolerance: skew / 1000,
    currentDate: new Date(wall),
  };
  let refusal = invalid("there is no key to verify the signature with");
  for (const { id, key } of candidates) {
    try {
      const { payload } = await jwtVerify(text, key, options);
      return { claims: payload, keyId: id };
    } catch (error) {
      refusal = faultOf(error, claims);
      // The signature may be another candidate's; anything else that is wrong is wrong with each of them.
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) return refusal;
    }
  }
  return refusal;
}
