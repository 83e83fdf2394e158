import { AddressList } from "../address-list.ts";
import type { Identity } from "../identity.ts";
import { ofSettings, type PolicyCompiler } from "../policy.ts";

const DENIED = { reason: "Denied" } as const;

/** Refuses clients that are on a list, and ends their sessions when they are put on it. */
export const deny: PolicyCompiler<"deny"> = ofSettings("deny", (settings) => {
  const addresses = new AddressList(settings.addresses);
  const clients = new Set(settings.clients);
  const tokenIds = new Set(settings.tokenIds);
  const isDenied = ({ client, proofs }: Identity): boolean =>
    (client !== undefined && clients.has(client)) ||
    proofs.some(
      (proof) => clients.has(proof.client) || (proof.method !== "apiKey" && holds(tokenIds, proof.claims["jti"])),
    );
  return {
    screen: (handshake) => (addresses.has(handshake.address) ? DENIED : undefined),
    admit: (_handshake, identity) => (isDenied(identity) ? DENIED : undefined),
    review: (party) => (addresses.has(party.address) || isDenied(party.identity) ? DENIED : undefined),
  };
});

function holds(ids: ReadonlySet<string>, id: unknown): boolean {
  return typeof id === "string" && ids.has(id);
}
