import { z } from "zod";
import type { PolicyDefinition } from "./policy.ts";

const spec = z
  .enum(["Enforce", "Shadow"])
  .describe(
    "Enforce (default): limits act. Shadow only counts and logs what limits would do; sessions stay. Authentication always enforces.",
  );

/** Whether limits act or only count. */
export const enforcement = { spec, rendered: spec, absent: "Enforce" } satisfies PolicyDefinition;
