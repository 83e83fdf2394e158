import { z } from "zod";
import { cidr } from "../names.ts";
import type { PolicyDefinition } from "./policy.ts";

const id = z.string().min(1).max(256);

const lists = {
  clients: z.array(id).max(10_000),
  tokenIds: z.array(id).max(10_000),
  addresses: z.array(cidr).max(10_000),
};

const words = {
  clients: "Client ids that are refused.",
  tokenIds: "Token ids (JWT `jti`) that are refused.",
  addresses: "Addresses and CIDR blocks of clients that are refused.",
};

const ABOUT = "Clients that are refused, whatever credential they bring. Ends their live sessions too.";

/** Clients that are refused, whatever credential they bring. Ends their live sessions too. */
export const deny = {
  spec: z
    .strictObject({
      clients: asSet(lists.clients).default([]).describe(words.clients),
      tokenIds: asSet(lists.tokenIds).default([]).describe(words.tokenIds),
      addresses: asSet(lists.addresses).default([]).describe(words.addresses),
    })
    .describe(ABOUT),
  /** Entries may stand twice: a config in force may be from before the lists were sets. */
  rendered: z
    .strictObject({
      clients: lists.clients.default([]).describe(words.clients),
      tokenIds: lists.tokenIds.default([]).describe(words.tokenIds),
      addresses: lists.addresses.default([]).describe(words.addresses),
    })
    .describe(ABOUT),
  absent: undefined,
} satisfies PolicyDefinition;

/**
 * A list that is a set for the API server, which refuses an entry that stands twice: so several writers each own their
 * entries, and server-side apply adds one beside those of others.
 */
function asSet<T extends z.ZodArray<z.ZodType<string>>>(list: T) {
  return list
    .refine(
      (entries) => new Set(entries).size === entries.length,
      "each entry may stand here once; remove what stands twice",
    )
    .meta({ "x-kubernetes-list-type": "set" });
}
