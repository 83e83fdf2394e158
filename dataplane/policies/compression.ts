import type { RenderedPolicies } from "../../api/policies/index.ts";
import type { PolicyCompiler } from "../policy.ts";

/** Takes part in no step: `outgoing.ts` decides about the extension offer by `offeredExtensions`. */
export const compression: PolicyCompiler<"compression"> = () => ({ kind: "compression" });

/**
 * The part of a client's Sec-WebSocket-Extensions that goes on to the backend. Only permessage-deflate (RFC 7692): any
 * other extension could give the reserved bits a meaning that the gateway does not know.
 */
export function offeredExtensions(
  offer: string | undefined,
  setting: RenderedPolicies["compression"],
): string | undefined {
  if (offer === undefined || setting === "Disabled") return undefined;
  const kept = offer
    .split(",")
    .map((text) => text.trim())
    .filter((text) => text.split(";", 1)[0]?.trim().toLowerCase() === "permessage-deflate");
  return kept.length === 0 ? undefined : kept.join(", ");
}
