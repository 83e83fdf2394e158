import type { CredentialPlace } from "../../api/policies/credential-place.ts";
import type { RenderedOf } from "../../api/policies/index.ts";
import { apiKeyVerifier } from "../auth/api-keys.ts";
import { joseHeader } from "../auth/compact-jws.ts";
import { guardedFetch } from "../auth/guarded-fetch.ts";
import { introspectionVerifier } from "../auth/introspection.ts";
import { jwtVerifier } from "../auth/jwt.ts";
import type { HeaderForm } from "../auth/mentions.ts";
import { credentialFinder, credentialPlaces, placeKey, type Found, type Offer } from "../auth/places.ts";
import { placeWords } from "../auth/place-names.ts";
import type { Asker, ProofOf, Verifier } from "../auth/verifier.ts";
import type { Handshake } from "../opening-handshake.ts";
import { ANYONE, type Identity, type Method, type Proof } from "../identity.ts";
import type { Refusal, Termination } from "../rejection.ts";
import type { CompileContext, PolicyCompiler } from "../policy.ts";

type AuthenticationSettings = RenderedOf<"authentication">;

/** Any method of the route, with the places where its credential may stand. */
interface BoundMethod {
  readonly method: Method;
  readonly places: ReadonlySet<string>;
  /** Its places in words. */
  readonly words: string;
  find(handshake: Handshake): Found;
  readonly verify: (offer: Offer, asker: Asker) => Promise<Proof | Refusal>;
  review(proof: Proof): Termination | undefined;
  watch(proof: Proof, end: (termination: Termination) => void, checked: (outcome: string) => void): () => void;
}

const MISSING: Refusal = { reason: "CredentialMissing" };
const REVOKED: Termination = {
  reason: "CredentialRevoked",
  cause: "the route asks for another method than the session has proven",
};

/** Proves the client's identity before any backend is dialled, and ends the session when a proof no longer holds. */
export const authentication: PolicyCompiler<"authentication"> = (settings, context) => {
  if (settings.require === "None") return { kind: "authentication", authenticate: async () => ANYONE };
  const methods = bindMethods(settings, context);
  const of = (proof: Proof): BoundMethod | undefined => methods.find(({ method }) => method === proof.method);

  return {
    kind: "authentication",
    async authenticate(handshake, signal) {
      const offers = collect(methods, settings.require, handshake, context);
      if (!(offers instanceof Map)) return offers;
      const asker = { subject: handshake.addressSubject, signal };
      const proofs: Proof[] = [];
      for (const [{ method, verify }, offer] of offers) {
        const outcome = await verify(offer, asker);
        if (signal.aborted) return { reason: "IdentityProviderUnavailable", cause: "the client left" };
        context.metrics.authentication(method, "reason" in outcome ? outcome.reason : "Accepted");
        if ("reason" in outcome) return outcome;
        proofs.push(outcome);
      }
      return identityOf(proofs);
    },

    review({ identity: { proofs } }) {
      // A session is held to what a handshake must prove now; a method that it never proved does not count.
      const proven = (method: BoundMethod): boolean => proofs.some((proof) => of(proof) === method);
      const enough = settings.require === "All" ? methods.every(proven) : methods.some(proven);
      if (!enough || methods.length === 0) return REVOKED;
      for (const proof of proofs) {
        const method = of(proof);
        const termination = method === undefined ? REVOKED : method.review(proof);
        if (termination !== undefined) return termination;
      }
      return undefined;
    },

    watch(party, end) {
      const checked = (outcome: string): void => party.credentialChecked?.(outcome);
      const stops = party.identity.proofs.map((proof) => of(proof)?.watch(proof, end, checked));
      return () => stops.forEach((stop) => stop?.());
    },
  };
};

/** The credentials to verify, in the order of methods; none may be missing (All), or not all of them (Any). */
function collect(
  methods: readonly BoundMethod[],
  require: AuthenticationSettings["require"],
  handshake: Handshake,
  { metrics }: CompileContext,
): Map<BoundMethod, Offer> | Refusal {
  const offers = new Map<BoundMethod, Offer>();
  for (const method of methods) {
    const found = method.find(handshake);
    if (found === undefined) continue;
    if ("reason" in found) {
      metrics.authentication(method.method, found.reason);
      return found;
    }
    offers.set(method, found);
  }
  if (require === "Any") dropOther(offers);
  const lacking = methods.filter((method) => !offers.has(method));
  return offers.size === 0 || (require === "All" && lacking.length > 0) ? missing(lacking) : offers;
}

/** For the log: which methods found nothing, and where they looked. */
function missing(methods: readonly BoundMethod[]): Refusal {
  const cause = methods.map(({ method, words }) => `no credential for ${method} in ${words}`).join("; ");
  return { ...MISSING, ...(cause === "" ? {} : { cause }) };
}

/** A token in a place that jwt and introspection share goes to one of them only: the one that its form belongs to. */
function dropOther(offers: Map<BoundMethod, Offer>): void {
  const methods = [...offers.keys()];
  const jwt = methods.find(({ method }) => method === "jwt");
  const introspection = methods.find(({ method }) => method === "introspection");
  const token = jwt === undefined ? undefined : offers.get(jwt);
  if (jwt === undefined || introspection === undefined || token === undefined) return;
  if (!introspection.places.has(placeKey(token.place))) return;
  offers.delete(joseHeader(token.credential) === undefined ? jwt : introspection);
}

/** The client is the first method's; so is the value of a claim that two methods know. */
function identityOf(proofs: readonly Proof[]): Identity | Refusal {
  const claims = proofs.toReversed().map((proof) => (proof.method === "apiKey" ? {} : proof.claims));
  const [first] = proofs;
  if (first === undefined) return MISSING;
  return { client: first.client, claims: Object.fromEntries(claims.flatMap((it) => Object.entries(it))), proofs };
}

function bindMethods(settings: AuthenticationSettings, context: CompileContext): BoundMethod[] {
  const { subprotocols } = credentialPlaces({ authentication: settings });
  const { clock, descriptors } = context;
  // One for all routes of the proxy: questions about the same name at the same time share one DNS look-up.
  const fetch = context.memory.recall("guarded fetch", () => guardedFetch(clock, undefined, descriptors));
  const bind = <M extends Method>(
    method: M,
    from: readonly CredentialPlace[],
    form: HeaderForm,
    verifier: Verifier<M, Offer>,
  ): BoundMethod => {
    const isOurs = (proof: Proof): proof is ProofOf<M> => proof.method === method;
    return {
      method,
      places: new Set(from.map(placeKey)),
      words: [...new Set(from.map(placeWords))].join(", "),
      find: credentialFinder(from, form, subprotocols),
      verify: (offer, asker) => verifier.verify(offer, asker),
      review: (proof) => (isOurs(proof) ? verifier.review(proof) : REVOKED),
      watch: (proof, end, checked) => (isOurs(proof) ? verifier.watch(proof, end, checked) : () => {}),
    };
  };
  const { apiKey, jwt, introspection } = settings;
  const methods: BoundMethod[] = [];
  if (apiKey !== undefined) methods.push(bind("apiKey", apiKey.from, "raw", anywhere(apiKeyVerifier(apiKey, context))));
  if (jwt !== undefined) {
    const places = jwt.flatMap(({ from }) => from);
    methods.push(bind("jwt", places, "token", jwtVerifier(jwt, context, fetch)));
  }
  if (introspection !== undefined) {
    const verifier = anywhere(introspectionVerifier(introspection, context, fetch));
    methods.push(bind("introspection", introspection.from, "token", verifier));
  }
  return methods;
}

/** For a method whose credential is as good in one of its places as in another. */
function anywhere<M extends Method>(verifier: Verifier<M>): Verifier<M, Offer> {
  return { ...verifier, verify: ({ credential }, asker) => verifier.verify(credential, asker) };
}
