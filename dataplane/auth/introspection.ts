import type { RenderedPolicies } from "../../api/policies/index.ts";
import { parseDuration } from "../../api/quantities.ts";
import type { Timer } from "../../runtime/clock.ts";
import type { CompileContext } from "../policy.ts";
import type { Refusal, Termination } from "../rejection.ts";
import { clientOf, timeOf, unmet, type Claims } from "./claims.ts";
import { deadlinesOf } from "./deadlines.ts";
import type { Fetch } from "./guarded-fetch.ts";
import { Introspector, type Endpoint, type IntrospectionResult } from "./introspector.ts";
import { MAX_STALE, waitFor } from "./patience.ts";
import type { ProofOf, Verifier } from "./verifier.ts";

type IntrospectionSettings = NonNullable<NonNullable<RenderedPolicies["authentication"]>["introspection"]>;
type IntrospectionProof = ProofOf<"introspection">;

const invalid = (cause: string): Refusal => ({ reason: "CredentialInvalid", cause });
const revoked = (cause: string): Termination => ({ reason: "CredentialRevoked", cause });
const INACTIVE = "the issuer says that the token is not active";
const UNRESOLVED = "the Secret of credentialsSecretName is missing, or may not be used: see the condition ResolvedRefs";
const EXPIRED = { reason: "CredentialExpired", cause: "the exp of the issuer's answer has passed" } as const;

/** What is known of a live session's token since its handshake; outlives config changes. */
interface Standing {
  claims: Claims;
  /** The issuer's endpoint that was asked last. */
  endpoint: string;
  /** When it was asked, on the monotonic clock. */
  lookedAt: number;
  /** Since when it gives no usable answer. */
  failingSince: number | undefined;
}

/** Verifies opaque tokens by asking their issuer (RFC 7662), again and again while the session lives. */
export function introspectionVerifier(
  settings: IntrospectionSettings,
  context: CompileContext,
  fetch: Fetch,
): Verifier<"introspection"> {
  const { clock, memory, log, metrics } = context;
  const { endpoint: url, allowHttp, credentials, clientClaim } = settings;
  const endpoint: Endpoint | undefined = credentials === undefined ? undefined : { url, allowHttp, credentials };
  const name = JSON.stringify([url, allowHttp, credentials?.username]);
  const introspector = memory.recall(`introspector ${name}`, () => new Introspector(fetch, clock, log));
  const standings = memory.recall("introspection standings", () => new WeakMap<IntrospectionProof, Standing>());
  const deadlines = deadlinesOf(context);
  const cache = parseDuration(settings.cache);
  const recheck = parseDuration(settings.recheck);
  const expiry = (claims: Claims): number => timeOf(claims, "exp", Number.POSITIVE_INFINITY);

  const standingOf = (proof: IntrospectionProof): Standing => {
    // A proof without one was given before a config that had no introspection: nothing newer is known.
    const standing = standings.get(proof) ?? standingSince(Number.NEGATIVE_INFINITY, proof.claims, url);
    standings.set(proof, standing);
    // Another issuer has not been asked yet.
    if (standing.endpoint !== url)
      Object.assign(standing, standingSince(Number.NEGATIVE_INFINITY, standing.claims, url));
    return standing;
  };

  /** Which scope is missing: the names are the config's. */
  const unscoped = (claims: Claims): (Termination & Refusal) | undefined => {
    const missing = settings.requiredScopes.filter(
      (scope) => unmet(claims, { requiredScopes: [scope], requiredClaims: [] }) !== undefined,
    );
    return missing.length === 0 ? undefined : { reason: "ScopeMissing", cause: `no scope ${missing.join(", ")}` };
  };

  const review = (proof: IntrospectionProof): Termination | undefined => {
    const { claims } = standingOf(proof);
    return expiry(claims) <= clock.wall() ? EXPIRED : unscoped(claims);
  };

  /** What the issuer's newest answer means for a live session. */
  const judge = (proof: IntrospectionProof, result: IntrospectionResult): Termination | undefined => {
    const standing = standingOf(proof);
    if (result.kind === "Unavailable") {
      standing.failingSince ??= clock.now();
      return clock.now() - standing.failingSince >= MAX_STALE
        ? revoked("the issuer gave no usable answer for a day")
        : undefined;
    }
    standing.failingSince = undefined;
    if (result.kind === "Inactive") {
      return expiry(standing.claims) <= clock.wall() ? EXPIRED : revoked(INACTIVE);
    }
    // The token is another client's now, or no client's: the session of the admitted client ends.
    const moved = clientOf(result.claims, clientClaim) !== clientOf(standing.claims, clientClaim);
    standing.claims = result.claims;
    return review(proof) ?? (moved ? revoked("the token is another client's now") : undefined);
  };

  return {
    async verify(token, asker) {
      if (endpoint === undefined) return unavailable(UNRESOLVED);
      const result = await waitFor(introspector.ask(token, endpoint, cache, asker), asker.signal);
      if (result === undefined) return unavailable("the client left");
      if (result.kind === "Unavailable") {
        if (result.noTurn !== undefined && result.noTurn !== "Left") metrics.introspectionNotAsked(result.noTurn);
        return unavailable(result.cause);
      }
      if (result.kind === "Inactive") return invalid(INACTIVE);
      const { claims } = result;
      if (expiry(claims) <= clock.wall()) return EXPIRED;
      const client = clientOf(claims, clientClaim);
      if (client === undefined) return invalid(`the field ${clientClaim} of the issuer's answer is no client id`);
      if (timeOf(claims, "nbf", 0) > clock.wall()) return invalid("the nbf of the issuer's answer is in the future");
      const refusal = unscoped(claims);
      if (refusal !== undefined) return refusal;
      const proof: IntrospectionProof = { method: "introspection", client, claims, token };
      standings.set(proof, standingSince(result.at, claims, url));
      return proof;
    },

    review,

    watch(proof, end, checked) {
      const standing = standingOf(proof);
      let stopExpiry = (): void => {};
      let release = (): void => {};
      let timer: Timer | undefined;
      let stopped = false;

      const stop = (): void => {
        stopped = true;
        release();
        stopExpiry();
        timer?.cancel();
      };
      const lose = (termination: Termination): void => {
        stop();
        end(termination);
      };
      const arm = (): void => {
        stopExpiry();
        stopExpiry = deadlines.at(expiry(standing.claims), () => lose(EXPIRED));
        if (endpoint === undefined) return;
        // At the latest after `recheck`; spread, so that sessions do not all ask in one moment.
        const at = standing.lookedAt + recheck * (0.9 + 0.1 * Math.random());
        timer = clock.after(Math.max(0, at - clock.now()), () => void look(endpoint));
      };
      const heard = (result: IntrospectionResult): void => {
        const termination = judge(proof, result);
        if (termination === undefined) arm();
        else lose(termination);
      };
      const look = async (at: Endpoint): Promise<void> => {
        // Sessions of one token share an answer: the next one is due by the age of the answer, not by when it was shared.
        const result = await introspector.askAgain(proof.token, at, recheck / 2);
        if (stopped) return;
        standing.lookedAt = result.kind === "Active" ? result.at : clock.now();
        checked?.(result.kind);
        heard(result);
      };
      // Another handshake or session of this token may learn first that the token is inactive.
      if (endpoint !== undefined) release = introspector.hold(proof.token, endpoint, () => heard({ kind: "Inactive" }));
      arm();
      return stop;
    },
  };
}

function standingSince(lookedAt: number, claims: Claims, endpoint: string): Standing {
  return { claims, endpoint, lookedAt, failingSince: undefined };
}

function unavailable(cause: string): Refusal {
  return { reason: "IdentityProviderUnavailable", retryAfter: 1, cause };
}
