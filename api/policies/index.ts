import { z } from "zod";
import { attempts } from "./attempts.ts";
import { authentication } from "./authentication.ts";
import { bytes } from "./bytes.ts";
import { compression } from "./compression.ts";
import { connections } from "./connections.ts";
import { deny } from "./deny.ts";
import { enforcement } from "./enforcement.ts";
import { forwarding } from "./forwarding.ts";
import { keepalive } from "./keepalive.ts";
import { messages } from "./messages.ts";
import { messageSize } from "./message-size.ts";
import { origins } from "./origins.ts";
import { slowConsumer } from "./slow-consumer.ts";
import { timeouts } from "./timeouts.ts";

/** Every policy. What each does, and in which order, is `dataplane/policies/index.ts`. */
export const policies = {
  origins,
  deny,
  authentication,
  attempts,
  connections,
  messages,
  bytes,
  messageSize,
  timeouts,
  keepalive,
  slowConsumer,
  compression,
  forwarding,
  enforcement,
};

type Table = typeof policies;
export type PolicyKind = keyof Table;

/** The policies as users write them; every key is optional. */
export const policiesSpec = z.strictObject(
  Object.fromEntries(Object.entries(policies).map(([kind, policy]) => [kind, policy.spec.optional()])) as {
    [K in PolicyKind]: z.ZodOptional<Table[K]["spec"]>;
  },
);
export type PoliciesSpec = z.output<typeof policiesSpec>;

/** Optional in the rendered config exactly where `absent` is undefined. */
type Rendered<K extends PolicyKind> = undefined extends Table[K]["absent"]
  ? z.ZodOptional<Table[K]["rendered"]>
  : Table[K]["rendered"];

/** The policies of one route as the data plane gets them: complete, nothing left to default or to look up. */
export const renderedPolicies = z.strictObject(
  Object.fromEntries(
    Object.entries(policies).map(([kind, policy]) => [
      kind,
      policy.absent === undefined ? policy.rendered.optional() : policy.rendered,
    ]),
  ) as { [K in PolicyKind]: Rendered<K> },
);
export type RenderedPolicies = z.output<typeof renderedPolicies>;

/**
 * The settings of each policy, written once however many routes have them. A policy that no route has is left out: a data
 * plane that does not know the policy yet takes the config all the same.
 */
export const policySettings = z.strictObject(
  Object.fromEntries(
    Object.entries(policies).map(([kind, { rendered }]) => [kind, z.array(rendered).max(4096).optional()]),
  ) as { [K in PolicyKind]: z.ZodOptional<z.ZodArray<Table[K]["rendered"]>> },
);

const index = z.int().min(0).max(4095);

/** The policies of one route: of each, the index of its settings in the list above. */
export const policyIndexes = z.strictObject(
  Object.fromEntries(
    Object.entries(policies).map(([kind, { absent }]) => [kind, absent === undefined ? index.optional() : index]),
  ) as { [K in PolicyKind]: undefined extends Table[K]["absent"] ? z.ZodOptional<z.ZodInt> : z.ZodInt },
);

export type SpecOf<K extends PolicyKind> = NonNullable<PoliciesSpec[K]>;

export type RenderedOf<K extends PolicyKind> = NonNullable<RenderedPolicies[K]>;
