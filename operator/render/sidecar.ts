import type { V1Container, V1Volume } from "@kubernetes/client-node";
import { ADMIN_PORT, SIDECAR } from "../../api/meta.ts";
import type { SidecarShape } from "../translate/translation.ts";
import { CONFIG_FOLDER, configSources, containerParts, USER } from "./container.ts";
import { graceSeconds } from "./grace.ts";
import type { Names } from "./names.ts";
import type { RenderSettings } from "./settings.ts";
import { canonicalJson } from "./sorted-keys.ts";

/** What a pod of mode Sidecar gets. */
export interface SidecarParts {
  readonly container: V1Container;
  readonly volumes: readonly V1Volume[];
}

/** What a pod itself decides about its container. */
export interface SidecarOptions {
  readonly adminPort: number;
  /**
   * How long a stopping data plane without sessions still takes connections, Go style; undefined: as long as one with
   * sessions.
   */
  readonly idleDelay: string | undefined;
  /** Names of the two volumes, where the pod has volumes with the usual names. */
  readonly volumeNames?: SidecarVolumes;
}

/** Names of the volumes: the config, and an empty one. */
export interface SidecarVolumes {
  readonly config: string;
  readonly none: string;
}

export const SIDECAR_VOLUMES: SidecarVolumes = { config: "wsproxy-config", none: "wsproxy-none" };

/** Where the API server mounts the token of a pod's service account, unless a container has something there. */
export const TOKEN_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount";

/** The kubelet evicts a pod whose emptyDir is larger, and counts the folder itself: a block of the disk, 4 KiB or more. */
const NONE_LIMIT = "1Mi";

/**
 * Two failures (4 s), less than the delay after which a stopping data plane closes its listener: if the kubelet stops the
 * container and not the pod, only this probe takes the pod out of its Services.
 */
const UNREADY_AFTER = 2;

/** The container that a pod of mode Sidecar gets, and its volumes. */
export function sidecarParts(
  names: Names,
  { listenerPort, resources }: SidecarShape,
  { adminPort, idleDelay, volumeNames = SIDECAR_VOLUMES }: SidecarOptions,
  settings: RenderSettings,
): SidecarParts {
  const options = { listenerPort, resources, adminPort, port: SIDECAR, unreadyAfter: UNREADY_AFTER };
  const { args, securityContext, ...parts } = containerParts(options, settings);
  const { config, none } = volumeNames;
  return {
    container: {
      name: SIDECAR.container,
      // A native sidecar: it starts before the main containers, ends after them, and does not keep a Job running.
      restartPolicy: "Always",
      ...parts,
      args: idleDelay === undefined ? args : [...args, "--idle-shutdown-delay", idleDelay],
      // Kubernetes ends a sidecar only after the main containers: here its drain begins when theirs is about to.
      lifecycle: { preStop: { exec: { command: drainCommand(adminPort) } } },
      // Passes Pod Security *restricted*, and reads its config, whatever the securityContext of the pod is.
      securityContext: {
        ...securityContext,
        runAsNonRoot: true,
        runAsUser: USER,
        runAsGroup: USER,
        seccompProfile: { type: "RuntimeDefault" },
      },
      volumeMounts: [
        { name: config, mountPath: CONFIG_FOLDER, readOnly: true },
        // Keeps out the pod's token, which the API server mounts after webhooks have run.
        { name: none, mountPath: TOKEN_FOLDER, readOnly: true },
      ],
    },
    volumes: [
      // Readable by all, since the pod's fsGroup is the user's. All optional: the kubelet keeps the files of a required
      // Secret that was deleted, and a pod could not start before its config.
      { name: config, projected: { defaultMode: 0o444, sources: configSources(names, "AllOptional") } },
      { name: none, emptyDir: { sizeLimit: NONE_LIMIT } },
    ],
  };
}

function drainCommand(adminPort: number): string[] {
  return ["node", "/app/wsproxy.js", "drain", "--config", CONFIG_FOLDER, "--admin-port", String(adminPort)];
}

/** The value of the shape annotation: pods with another one have an older container. `hash` is `Packer.hash`. */
export function sidecarHash(
  names: Names,
  shape: SidecarShape,
  settings: RenderSettings,
  hash: (text: string) => string,
): string {
  const parts = sidecarParts(names, shape, { adminPort: ADMIN_PORT, idleDelay: undefined }, settings);
  return hash(canonicalJson([parts, graceSeconds(shape.drainPeriod)])).slice(0, 16);
}
