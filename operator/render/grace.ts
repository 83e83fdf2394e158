import { parseDuration } from "../../api/quantities.ts";

/** A pod that stops still takes connections for this long, since load balancers take it out late; seconds. */
export const SHUTDOWN_DELAY = 5;
/** After the last session the process writes its log out and ends; seconds. */
const MARGIN = 10;

/** terminationGracePeriodSeconds: after it Kubernetes kills a pod with its sessions. `drainPeriod` is Go style. */
export function graceSeconds(drainPeriod: string): number {
  return Math.ceil(parseDuration(drainPeriod) / 1000) + SHUTDOWN_DELAY + MARGIN;
}
