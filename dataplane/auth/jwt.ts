import { decodeJwt } from "jose";
import type { CompileContext } from "../policy.ts";
import type { Claims } from "./claims.ts";
import { joseHeader } from "./compact-jws.ts";
import type { Fetch } from "./guarded-fetch.ts";
import { issuerVerifier, type IssuerSettings, type UnprovenToken } from "./issuer.ts";
import { placeWords } from "./place-names.ts";
import { placeKey, type Offer } from "./places.ts";
import { invalid, shown } from "./token-faults.ts";
import type { ProofOf, Verifier } from "./verifier.ts";

/** Verifies signed tokens: the issuer that a token names picks the entry, and that entry alone decides. */
export function jwtVerifier(
  entries: readonly IssuerSettings[],
  context: CompileContext,
  fetch: Fetch,
): Verifier<"jwt", Offer> {
  const issuers = new Map(
    entries.map((entry) => [
      entry.issuer,
      { verifier: issuerVerifier(entry, context, fetch), places: new Set(entry.from.map(placeKey)) },
    ]),
  );
  const of = ({ iss }: Claims) => (typeof iss === "string" ? issuers.get(iss) : undefined);
  const verifierOf = (proof: ProofOf<"jwt">) => of(proof.claims)?.verifier;

  return {
    async verify({ credential, place }, asker) {
      const token = unproven(credential);
      if (token === undefined) return invalid("the token is not a signed JWT");
      const issuer = of(token.claims);
      if (issuer === undefined) {
        return invalid(`the issuer is ${shown(token.claims["iss"])}, which the route does not accept`);
      }
      if (!issuer.places.has(placeKey(place))) {
        return invalid(`the issuer ${shown(token.claims["iss"])} has no tokens in ${placeWords(place)}`);
      }
      return issuer.verifier.verify(token, asker);
    },

    review(proof) {
      const verifier = verifierOf(proof);
      if (verifier === undefined) return { reason: "CredentialRevoked", cause: "its issuer is no longer accepted" };
      return verifier.review(proof);
    },

    watch: (proof, end) => verifierOf(proof)?.watch(proof, end) ?? (() => {}),
  };
}

/** jose reads the claims here as it does when it verifies them: a doubled member is the same one both times. */
function unproven(text: string): UnprovenToken | undefined {
  const header = joseHeader(text);
  if (header === undefined) return undefined;
  try {
    return { text, header, claims: decodeJwt(text) };
  } catch {
    return undefined;
  }
}
