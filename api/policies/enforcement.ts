import { z } from "zod";
import type { PolicyDefinition } from "./policy.ts";

const spec = z
  .enum(["Enforce", "Shadow"])
  .describe(
    "Enforce (default): limits act. Shadow: the gateway only counts and logs what limits would do, and no session ends. Authentication is always enforced.",
  );

/** Whether limits act or only count. */
export const enforcement = { spec, rendered: spec, absent: "Enforce" } satisfies PolicyDefinition;
