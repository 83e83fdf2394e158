import type { PolicyCompiler } from "../policy.ts";

/** Takes part in no step: each limit reads it while it is compiled, so that a connection never does. */
export const enforcement: PolicyCompiler<"enforcement"> = () => ({ kind: "enforcement" });
