import type { V1Container, V1Probe, V1VolumeProjection } from "@kubernetes/client-node";
import { ADMIN_TOKEN_FILE, ADMIN_TOKEN_KEY, PACKED } from "../../api/meta.ts";
import type { Infra } from "../translate/translation.ts";
import { SHUTDOWN_DELAY } from "./grace.ts";
import type { Names } from "./names.ts";
import type { RenderSettings } from "./settings.ts";

/** Where the config volume is in a container. */
export const CONFIG_FOLDER = "/etc/wsproxy/config";
/** The user of the image. */
export const USER = 65_532;

const DEFAULT_RESOURCES = { requests: { cpu: "100m", memory: "128Mi" } };

/** In what the container of a gateway pod and the one in a user's pod differ. */
export interface ContainerOptions extends Pick<Infra, "listenerPort" | "resources"> {
  readonly adminPort: number;
  /** Names of the two ports. */
  readonly port: { readonly listener: string; readonly admin: string };
  /** Probes in a row, one each 2 s, that fail before the container is not ready. */
  readonly unreadyAfter: number;
}

/** The parts of the data plane's container that both modes have alike. */
export function containerParts(options: ContainerOptions, settings: RenderSettings) {
  const { listenerPort, adminPort, port, resources, unreadyAfter } = options;
  const probe = (path: string, periodSeconds: number, failureThreshold: number): V1Probe => ({
    httpGet: { path, port: port.admin, scheme: "HTTP" },
    periodSeconds,
    failureThreshold,
    timeoutSeconds: 5,
  });
  return {
    image: settings.image,
    imagePullPolicy: settings.imagePullPolicy,
    args: ["dataplane", ...flags(listenerPort, adminPort)],
    ports: [
      { name: port.listener, containerPort: listenerPort, protocol: "TCP" },
      { name: port.admin, containerPort: adminPort, protocol: "TCP" },
    ],
    // Our requests are never combined with a user's limits, which could be lower.
    resources: Object.keys(resources).length === 0 ? DEFAULT_RESOURCES : resources,
    startupProbe: probe("/healthz", 1, 60),
    // Every 2 s, so that a rollout goes on soon.
    readinessProbe: probe("/readyz", 2, unreadyAfter),
    livenessProbe: probe("/healthz", 10, 6),
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
  } satisfies Partial<V1Container>;
}

/** The listener port is a flag: a pod keeps the port that its Service and probes know, whatever a new config says. */
function flags(listenerPort: number, adminPort: number): string[] {
  const values = {
    config: CONFIG_FOLDER,
    "listener-port": String(listenerPort),
    "admin-address": "::",
    "admin-port": String(adminPort),
    "shutdown-delay": `${SHUTDOWN_DELAY}s`,
  };
  return Object.entries(values).flatMap(([name, value]) => [`--${name}`, value]);
}

/** The sources of the config folder. Always optional: further parts, which a small config does not have, and the token. */
export function configSources(names: Names, required: "Required" | "AllOptional"): V1VolumeProjection[] {
  const optional = { optional: true };
  const unless = required === "Required" ? {} : optional;
  const secrets = Array.from({ length: PACKED.mostParts }, (_, part) => ({
    secret: { name: names.configPart(part), ...(part === 0 ? unless : optional) },
  }));
  const items = [{ key: ADMIN_TOKEN_KEY, path: ADMIN_TOKEN_FILE }];
  return [
    ...secrets,
    { secret: { name: names.admin, items, ...optional } },
    { configMap: { name: names.endpoints, ...unless } },
  ];
}
