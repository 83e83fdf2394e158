import { Descriptors } from "../../dataplane/process/descriptors.ts";
import { Evictions } from "../../dataplane/process/evictions.ts";
import { Metrics } from "../../dataplane/metrics.ts";
import type { ConnectionBounds } from "../../dataplane/ports/open-port.ts";
import { WaitingRoom } from "../../dataplane/waiting/waiting-room.ts";
import { systemClock, type Clock } from "../../runtime/clock.ts";
import { silentLog } from "./log.ts";

/** The bounds of a port, with this many file descriptors. */
export function admission(clock: Clock = systemClock, most = 10_000): ConnectionBounds & { readonly metrics: Metrics } {
  const metrics = new Metrics();
  return {
    metrics,
    descriptors: new Descriptors(most, clock, silentLog),
    evictions: new Evictions(clock, silentLog, metrics.process),
  };
}

/** A waiting room of its own. */
export function waitingRoom(clock: Clock): WaitingRoom {
  return new WaitingRoom(clock, new Evictions(clock, silentLog, new Metrics().process));
}
