import { FIRST_REPLICAS } from "../../api/pods.ts";
import type { WebSocketProxySpec } from "../../api/websocket-proxy.ts";

const COUNT = "Limits per Client, IP, Route and Proxy count in each";
const STORE = "spec.store counts over all pods.";

/** What limits mean with the pods that a spec asks for; undefined: a store counts over all of them. */
export function perPodWords({
  mode,
  gateway,
  store,
}: Pick<WebSocketProxySpec, "mode" | "gateway" | "store">): string | undefined {
  if (store !== undefined) return undefined;
  const many = "so N pods together can let through N times as much";
  if (mode === "Sidecar") return `${COUNT} of your pods by itself, ${many}; ${STORE}`;
  const replicas = gateway?.replicas;
  if (replicas === undefined) {
    return `${COUNT} pod by itself, ${many}. Without spec.gateway.replicas the Deployment is made with ${FIRST_REPLICAS} pods, and an autoscaler or kubectl scale decides how many there are; ${STORE}`;
  }
  if (replicas === 0) return `${COUNT} pod by itself; ${STORE}`;
  if (replicas === 1) {
    return `${COUNT} pod by itself: with 1 pod they hold, but for the time of a rollout, in which a second pod counts for itself; ${STORE}`;
  }
  return `${COUNT} of the ${replicas} pods by itself, so together they can let through ${replicas} times as much; ${STORE}`;
}
