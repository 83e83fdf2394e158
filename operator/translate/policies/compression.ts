import type { Resolver } from "./policy.ts";

/** A limit that drops messages disables compression: later messages are compressed against earlier ones (RFC 7692 §7.2.3.2). */
export const compression: Resolver<"compression"> = (settings = "Passthrough", { all }) => {
  const limits = [...(all.messages?.fromClient ?? []), ...(all.messages?.fromBackend ?? [])];
  return { value: limits.some(({ onExceed }) => onExceed === "Drop") ? "Disabled" : settings };
};
