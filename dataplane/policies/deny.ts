import { AddressList } from "../address-list.ts";
import type { Identity } from "../identity.ts";
import { ofSettings, type PolicyCompiler } from "../policy.ts";

/** `list`: where the client stands, for the log. */
const denied = (list: string) => ({ reason: "Denied", cause: `on the list deny.${list}` }) as const;
const ADDRESS = denied("addresses");
const CLIENT = denied("clients");
const TOKEN = denied("tokenIds");

/** Refuses clients that are on a list, and ends their sessions when they are put on it. */
export const deny: PolicyCompiler<"deny"> = ofSettings("deny", (settings) => {
  const addresses = new AddressList(settings.addresses);
  const clients = new Set(settings.clients);
  // A number in a token may stand for several texts: any of them on the list denies it.
  const tokenIds = new Set<unknown>([...settings.tokenIds, ...settings.tokenIds.map(Number)]);
  const ofClient = ({ client, proofs }: Identity): typeof CLIENT | undefined => {
    if (client !== undefined && clients.has(client)) return CLIENT;
    if (proofs.some((proof) => clients.has(proof.client))) return CLIENT;
    return proofs.some((proof) => proof.method !== "apiKey" && tokenIds.has(proof.claims["jti"])) ? TOKEN : undefined;
  };
  return {
    screen: (handshake) => (addresses.has(handshake.address) ? ADDRESS : undefined),
    admit: (_handshake, identity) => ofClient(identity),
    review: (party) => (addresses.has(party.address) ? ADDRESS : ofClient(party.identity)),
  };
});
