import type { V1Container, V1PodTemplateSpec } from "@kubernetes/client-node";
import { ADMIN_PORT } from "../../api/meta.ts";
import type { Infra } from "../translate/translation.ts";
import { CONFIG_FOLDER, configSources, containerParts, USER } from "./container.ts";
import { graceSeconds } from "./grace.ts";
import { placementOf } from "./placement.ts";
import type { GatewayInfra, RenderSettings } from "./settings.ts";
import type { Scope } from "./scope.ts";

/** Names of a pod's ports, which the Service, the probes and the NetworkPolicy use. */
export const PORT = { listener: "ws", admin: "admin" } as const;

/** Name of the container with the data plane, in a pod of mode Gateway. */
export const DATAPLANE_CONTAINER = "dataplane";

/** To listen on a lower port, a process needs a privilege or the sysctl below. */
const FIRST_UNPRIVILEGED = 1024;

/**
 * The pod template of a data plane. It depends on the shape of the pods only: a pod gets its config through a volume, so no
 * change of the config replaces pods.
 */
export function podTemplate(infra: GatewayInfra, scope: Scope, settings: RenderSettings): V1PodTemplateSpec {
  const { pod } = infra.gateway;
  return {
    metadata: { labels: { ...pod.labels, ...scope.labels }, annotations: { ...pod.annotations } },
    spec: {
      serviceAccountName: scope.names.base,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: graceSeconds(infra.drainPeriod),
      securityContext: {
        runAsNonRoot: true,
        runAsUser: USER,
        runAsGroup: USER,
        fsGroup: USER,
        seccompProfile: { type: "RuntimeDefault" },
        ...(infra.listenerPort < FIRST_UNPRIVILEGED ? { sysctls: [unprivilegedFrom(infra.listenerPort)] } : {}),
      },
      containers: [container(infra, settings)],
      volumes: [{ name: "config", projected: { defaultMode: 0o440, sources: configSources(scope.names, "Required") } }],
      ...placementOf(pod, scope.selector),
    },
  };
}

function container({ listenerPort, resources }: Infra, settings: RenderSettings): V1Container {
  // Five failures, so that a busy pod stays ready. A pod that stops needs no failing probe: EndpointSlices mark it as
  // terminating as soon as it is deleted.
  const options = { listenerPort, resources, adminPort: ADMIN_PORT, port: PORT, unreadyAfter: 5 };
  return {
    name: DATAPLANE_CONTAINER,
    ...containerParts(options, settings),
    volumeMounts: [{ name: "config", mountPath: CONFIG_FOLDER, readOnly: true }],
  };
}

/** Pod Security *restricted* permits this sysctl, since it is about the pod's own network only. */
function unprivilegedFrom(port: number) {
  return { name: "net.ipv4.ip_unprivileged_port_start", value: String(port) };
}
