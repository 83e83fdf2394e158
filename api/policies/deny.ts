import { z } from "zod";
import { cidr } from "../names.ts";
import type { PolicyDefinition } from "./policy.ts";

const spec = z
  .strictObject({
    clients: z.array(z.string().min(1).max(256)).max(10_000).default([]).describe("Client ids that are refused."),
    tokenIds: z
      .array(z.string().min(1).max(256))
      .max(10_000)
      .default([])
      .describe("Token ids (JWT `jti`) that are refused."),
    addresses: z.array(cidr).max(10_000).default([]).describe("Addresses and CIDR blocks of clients that are refused."),
  })
  .describe("Clients that are refused, whatever credential they bring. Ends their live sessions too.");

/** Clients that are refused, whatever credential they bring. Ends their live sessions too. */
export const deny = { spec, rendered: spec, absent: undefined } satisfies PolicyDefinition;
