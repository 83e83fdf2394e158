import { AddressList } from "../address-list.ts";
import type { Identity } from "../identity.ts";
import { ofSettings, type PolicyCompiler } from "../policy.ts";

const DENIED = { reason: "Denied" } as const;

/** Refuses clients that are on a list, and ends their sessions when they are put on it. */
export const deny: PolicyCompiler<"deny"> = ofSettings("deny", (settings) => {
  const addresses = new AddressList(settings.addresses);
  const clients = new Set(settings.clients);
  // A number in a token may stand for several texts: any of them on the list denies it.
  const tokenIds = new Set<unknown>([...settings.tokenIds, ...settings.tokenIds.map(Number)]);
  const isDenied = ({ client, proofs }: Identity): boolean =>
    (client !== undefined && clients.has(client)) ||
    proofs.some(
      (proof) => clients.has(proof.client) || (proof.method !== "apiKey" && tokenIds.has(proof.claims["jti"])),
    );
  return {
    screen: (handshake) => (addresses.has(handshake.address) ? DENIED : undefined),
    admit: (_handshake, identity) => (isDenied(identity) ? DENIED : undefined),
    review: (party) => (addresses.has(party.address) || isDenied(party.identity) ? DENIED : undefined),
  };
});
