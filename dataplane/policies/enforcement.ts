import type { PolicyCompiler } from "../policy.ts";

/** Shadow lets the limits only count: each limit reads it while it is compiled, so that a connection never does. */
export const enforcement: PolicyCompiler<"enforcement"> = () => ({});
