import type { Config } from "../../api/config.ts";
import { gateway } from "../../api/pods.ts";
import type { WebSocketProxySpec } from "../../api/websocket-proxy.ts";
import type { ListenerOutcome } from "./listener.ts";
import type { Infra, ServiceShape, SidecarShape } from "./translation.ts";

/** What the operator renders the proxy's own objects from: pods and Service lead to the listener as it comes into force. */
export function infraOf(
  header: WebSocketProxySpec,
  { listener, stays }: ListenerOutcome,
  serviceInForce: ServiceShape | undefined,
): Infra {
  const wished = header.mode === "Gateway" ? (header.gateway ?? gateway.parse({})) : undefined;
  const service = stays ? serviceInForce : undefined;
  const type = wished && narrower(wished.service.type, service?.type ?? wished.service.type);
  return {
    mode: header.mode,
    gateway: wished && type && { ...wished, service: { ...wished.service, type } },
    sidecar: header.sidecar,
    resources: header.dataplane.resources,
    listenerPort: listener.port,
    servicePort: wished && (service?.port ?? wished.service.port ?? defaultPort(listener)),
    drainPeriod: header.dataplane.drain.period,
  };
}

function defaultPort({ tls }: Config["listener"]): number {
  return tls === undefined ? 80 : 443;
}

/** What is to be known of the Service when the next spec is translated. */
export function serviceShape({ gateway: pods, servicePort: port }: Infra): ServiceShape | undefined {
  return pods === undefined || port === undefined ? undefined : { type: pods.service.type, port };
}

/** What new pods of mode Sidecar get, until another spec is accepted. */
export function sidecarShape({ sidecar, listenerPort, resources, drainPeriod }: Infra): SidecarShape | undefined {
  return sidecar && { selector: sidecar.selector, listenerPort, resources, drainPeriod };
}

/** From the one that the fewest clients reach to the one that the most do. */
const REACH: readonly ServiceShape["type"][] = ["ClusterIP", "NodePort", "LoadBalancer"];

/** A listener that stays is not shown to more clients: they are to find the one that the spec asks for. */
function narrower(one: ServiceShape["type"], other: ServiceShape["type"]): ServiceShape["type"] {
  return REACH.indexOf(one) <= REACH.indexOf(other) ? one : other;
}
