import type { z } from "zod";

/** A policy in the two contracts: the custom resource and the rendered config. */
export interface PolicyDefinition {
  /** As users write it. */
  readonly spec: z.ZodType;
  /** As the data plane gets it; the same schema unless references are resolved on the way. */
  readonly rendered: z.ZodType;
  /** What the policy is where the user wrote none; undefined: the policy is absent, and nothing is checked. */
  readonly absent: unknown;
}
