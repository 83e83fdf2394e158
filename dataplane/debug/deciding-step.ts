import type { RefusalReason } from "../rejection.ts";

/** The step of a handshake that refused it. */
export interface Deciding {
  readonly name: string;
  readonly reason: string;
}

/** Refusals of no policy, and the one that a policy only passes on: which step of the trace they belong to. */
const STEPS: Partial<Record<RefusalReason | "BackendRefused", string>> = {
  BadHandshake: "handshake",
  AmbiguousTarget: "handshake",
  MethodNotAllowed: "handshake",
  HandshakeTimeout: "handshake",
  TargetTooLong: "handshake",
  HeadersTooLarge: "handshake",
  UpgradeRequired: "handshake",
  VersionUnsupported: "handshake",
  RouteNotFound: "route",
  Overloaded: "capacity",
  Draining: "capacity",
  StoreUnavailable: "store",
  NoEndpoints: "backend",
  BackendUnreachable: "backend",
  BackendBadHandshake: "backend",
  BackendTimeout: "backend",
  BackendRefused: "backend",
};

/** Which step a refusal belongs to: what the reason says, else the policy that decided. */
export function decidingStep(reason: string, policy: string | undefined): Deciding {
  const named = Object.hasOwn(STEPS, reason) ? STEPS[reason as RefusalReason] : undefined;
  return { name: named ?? policy ?? "handshake", reason };
}
