import type { RenderedPolicies } from "../../api/policies/index.ts";
import { parseDuration } from "../../api/quantities.ts";
import type { Timer } from "../../runtime/clock.ts";
import type { CompileContext } from "../policies/policy.ts";
import type { Refusal, Termination } from "../rejection.ts";
import { clientOf, timeOf, unmet, type Claims } from "./claims.ts";
import { atWallTime } from "./deadline.ts";
import type { Fetch } from "./guarded-fetch.ts";
import { Introspector, type Endpoint, type Verdict } from "./introspector.ts";
import { jittered, waitFor } from "./patience.ts";
import type { ProofOf, Verifier } from "./verifier.ts";

type Settings = NonNullable<NonNullable<RenderedPolicies["authentication"]>["introspection"]>;
type IntrospectionProof = ProofOf<"introspection">;

/** A live session outlasts an issuer that gives no usable answer this many rechecks … */
export const RECHECKS_WITHOUT_ANSWER = 10;
/** … but at least this long, in ms. */
export const LEAST_PATIENCE = 300_000;

const INVALID: Refusal = { reason: "CredentialInvalid" };
const REVOKED: Termination = { reason: "CredentialRevoked" };

/** What is known of a live session's token since its handshake; outlives config changes. */
interface Standing {
  claims: Claims;
  /** When the issuer was last asked. */
  lookedAt: number;
  /** Since when it gives no usable answer. */
  failingSince: number | undefined;
}

/** Verifies opaque tokens by asking their issuer (RFC 7662), again and again while the session lives. */
export function introspectionVerifier(
  settings: Settings,
  context: CompileContext,
  fetch: Fetch,
): Verifier<"introspection"> {
  const { clock, memory, log } = context;
  const { endpoint: url, allowHttp, credentials } = settings;
  const endpoint: Endpoint | undefined = credentials === undefined ? undefined : { url, allowHttp, credentials };
  const name = JSON.stringify([url, allowHttp, credentials?.username]);
  const introspector = memory.recall(`introspector ${name}`, () => new Introspector(fetch, clock, log));
  const standings = memory.recall("introspection standings", () => new WeakMap<IntrospectionProof, Standing>());
  const cache = parseDuration(settings.cache);
  const recheck = parseDuration(settings.recheck);
  const patience = Math.max(RECHECKS_WITHOUT_ANSWER * recheck, LEAST_PATIENCE);
  const required = { requiredScopes: settings.requiredScopes, requiredClaims: [] };
  const expiry = (claims: Claims): number => timeOf(claims, "exp", Number.POSITIVE_INFINITY);

  const standingOf = (proof: IntrospectionProof): Standing => {
    const known = standings.get(proof);
    if (known !== undefined) return known;
    const standing = { claims: proof.claims, lookedAt: clock.now(), failingSince: undefined };
    standings.set(proof, standing);
    return standing;
  };

  const review = (proof: IntrospectionProof): Termination | undefined => {
    const { claims } = standingOf(proof);
    if (expiry(claims) <= clock.wall()) return { reason: "CredentialExpired" };
    const reason = unmet(claims, required);
    return reason === undefined ? undefined : { reason };
  };

  /** What the issuer's newest answer means for a live session. */
  const judge = (proof: IntrospectionProof, verdict: Verdict): Termination | undefined => {
    const standing = standingOf(proof);
    if (verdict.kind === "Unavailable") {
      standing.failingSince ??= clock.now();
      return clock.now() - standing.failingSince >= patience ? REVOKED : undefined;
    }
    standing.failingSince = undefined;
    if (verdict.kind === "Inactive") {
      return expiry(standing.claims) <= clock.wall() ? { reason: "CredentialExpired" } : REVOKED;
    }
    standing.claims = verdict.claims;
    // Somebody else's token now, or nobody's: not the one that was admitted.
    const moved = clientOf(verdict.claims, settings.clientClaim) !== proof.client;
    return review(proof) ?? (moved ? REVOKED : undefined);
  };

  return {
    async verify(token, signal) {
      if (endpoint === undefined) return unavailable("the credentials are not resolved");
      const verdict = await waitFor(introspector.ask(token, endpoint, cache), signal);
      if (verdict === undefined) return unavailable("the client left");
      if (verdict.kind === "Unavailable") return unavailable(verdict.detail);
      if (verdict.kind === "Inactive") return INVALID;
      const { claims } = verdict;
      if (expiry(claims) <= clock.wall()) return { reason: "CredentialExpired" };
      const client = clientOf(claims, settings.clientClaim);
      if (client === undefined || timeOf(claims, "nbf", 0) > clock.wall()) return INVALID;
      const reason = unmet(claims, required);
      return reason === undefined ? { method: "introspection", client, claims, token } : { reason };
    },

    review,

    watch(proof, end) {
      const standing = standingOf(proof);
      const expire = (): void => end({ reason: "CredentialExpired" });
      let stopExpiry = (): void => {};
      let timer: Timer | undefined;
      let stopped = false;

      const arm = (): void => {
        stopExpiry();
        stopExpiry = atWallTime(clock, expiry(standing.claims), expire);
        if (endpoint === undefined) return;
        const at = standing.lookedAt + jittered(recheck);
        timer = clock.after(Math.max(0, at - clock.now()), () => void look(endpoint));
      };
      const look = async (at: Endpoint): Promise<void> => {
        const verdict = await introspector.ask(proof.token, at, 0);
        if (stopped) return;
        standing.lookedAt = clock.now();
        const termination = judge(proof, verdict);
        if (termination === undefined) arm();
        else end(termination);
      };
      arm();
      return () => {
        stopped = true;
        stopExpiry();
        timer?.cancel();
      };
    },
  };
}

function unavailable(detail: string): Refusal {
  return { reason: "IdentityProviderUnavailable", retryAfter: 1, detail };
}
