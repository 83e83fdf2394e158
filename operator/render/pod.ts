import type { V1Container, V1PodTemplateSpec, V1Probe, V1Volume } from "@kubernetes/client-node";
import { ADMIN_PORT, ADMIN_TOKEN_FILE, ADMIN_TOKEN_KEY, PACKED } from "../../api/meta.ts";
import type { Infra } from "../translate/translation.ts";
import { graceSeconds, SHUTDOWN_DELAY } from "./grace.ts";
import { placementOf } from "./placement.ts";
import type { GatewayInfra, RenderSettings } from "./settings.ts";
import type { Scope } from "./scope.ts";

/** Names of a pod's ports, which the Service, the probes and the NetworkPolicy use. */
export const PORT = { listener: "ws", admin: "admin" } as const;

const CONFIG_FOLDER = "/etc/wsproxy/config";
/** The user of the image. */
const USER = 65_532;
/** To listen on a lower port, a process needs a privilege or the sysctl below. */
const FIRST_UNPRIVILEGED = 1024;
const DEFAULT_RESOURCES = { requests: { cpu: "100m", memory: "128Mi" } };

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
      volumes: [configVolume(scope)],
      ...placementOf(pod, scope.selector),
    },
  };
}

function container({ listenerPort, resources }: Infra, settings: RenderSettings): V1Container {
  return {
    name: "dataplane",
    image: settings.image,
    imagePullPolicy: settings.imagePullPolicy,
    args: ["dataplane", ...flags(listenerPort)],
    ports: [
      { name: PORT.listener, containerPort: listenerPort, protocol: "TCP" },
      { name: PORT.admin, containerPort: ADMIN_PORT, protocol: "TCP" },
    ],
    // Our requests are never combined with a user's limits, which could be lower.
    resources: Object.keys(resources).length === 0 ? DEFAULT_RESOURCES : resources,
    startupProbe: probe("/healthz", 1, 60),
    // Every 2 s, so that a rollout goes on soon; five failures, so that a busy pod stays ready. A pod that stops needs no
    // failing probe: EndpointSlices mark it as terminating as soon as it is deleted.
    readinessProbe: probe("/readyz", 2, 5),
    livenessProbe: probe("/healthz", 10, 6),
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
    volumeMounts: [{ name: "config", mountPath: CONFIG_FOLDER, readOnly: true }],
  };
}

/** The listener port is a flag: a pod keeps the port that its Service and probes know, whatever a new config says. */
function flags(listenerPort: number): string[] {
  const values = {
    config: CONFIG_FOLDER,
    "listener-port": String(listenerPort),
    "admin-address": "::",
    "admin-port": String(ADMIN_PORT),
    "shutdown-delay": `${SHUTDOWN_DELAY}s`,
  };
  return Object.entries(values).flatMap(([name, value]) => [`--${name}`, value]);
}

function probe(path: string, periodSeconds: number, failureThreshold: number): V1Probe {
  return { httpGet: { path, port: PORT.admin, scheme: "HTTP" }, periodSeconds, failureThreshold, timeoutSeconds: 5 };
}

/** One folder from several objects. Optional are the further parts, which a small config does not have, and the token. */
function configVolume({ names }: Scope): V1Volume {
  const secrets = Array.from({ length: PACKED.mostParts }, (_, part) => ({
    secret: { name: names.configPart(part), ...(part === 0 ? {} : { optional: true }) },
  }));
  const items = [{ key: ADMIN_TOKEN_KEY, path: ADMIN_TOKEN_FILE }];
  const sources = [
    ...secrets,
    { secret: { name: names.admin, items, optional: true } },
    { configMap: { name: names.endpoints } },
  ];
  return { name: "config", projected: { defaultMode: 0o440, sources } };
}

/** Pod Security *restricted* permits this sysctl, since it is about the pod's own network only. */
function unprivilegedFrom(port: number) {
  return { name: "net.ipv4.ip_unprivileged_port_start", value: String(port) };
}
