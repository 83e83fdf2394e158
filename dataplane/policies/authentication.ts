import { apiKeyVerifier } from "../auth/api-keys.ts";
import { credentialFinder, credentialPlaces, type Found, type Offer } from "../auth/places.ts";
import type { Verifier } from "../auth/verifier.ts";
import type { Handshake } from "../handshake.ts";
import { ANYONE, type Identity, type Method, type Proof } from "../identity.ts";
import type { Refusal, Termination } from "../rejection.ts";
import type { Enforcement, Policy } from "./policy.ts";

/** Proves who connects, before any backend is dialled, and ends the session when the proof no longer holds. */
export const authentication: Policy<"authentication"> = (settings, context) => {
  if (settings.require === "None") return { authenticate: async () => ANYONE };
  const methods = compile(settings, context);
  return {} as Enforcement;
};
