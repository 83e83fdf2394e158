import { parseDuration } from "../../api/quantities.ts";

/** How long a pod that stops still takes connections, since load balancers learn of it late; in seconds. */
export const SHUTDOWN_DELAY = 5;
/** For what comes after the last session: the log is written out, the process ends. */
const MARGIN = 10;

/** How long Kubernetes waits for a pod to stop before it kills it, sessions and all. */
export function graceSeconds(drainPeriod: string): number {
  return Math.ceil(parseDuration(drainPeriod) / 1000) + SHUTDOWN_DELAY + MARGIN;
}
