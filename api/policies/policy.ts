import type { z } from "zod";

/** What the two contracts know of a policy. */
export interface PolicyDefinition {
  /** As users write it. */
  readonly spec: z.ZodType;
  /** As the data plane gets it; the same schema unless references are resolved on the way. */
  readonly rendered: z.ZodType;
  /** What stands for the policy where nobody wrote it; undefined: then it is absent, and nothing is checked. */
  readonly absent: unknown;
}
