import type { Pod, PodContainer } from "../../api/admission-review.ts";
import { SIDECAR } from "../../api/meta.ts";
import { CONFIG_FOLDER } from "../render/container.ts";
import { SIDECAR_VOLUMES, TOKEN_FOLDER } from "../render/sidecar.ts";

/** What an earlier call put into a pod: the API server asks twice, and users copy pods that run. */
export interface AddedBefore {
  /** Places in initContainers. */
  readonly containers: readonly number[];
  /** Places in volumes. */
  readonly volumes: readonly number[];
  /** Admin ports of those containers. */
  readonly adminPorts: ReadonlySet<number>;
  /** Names of volumes that the pod has, or that its other containers mount, without ours. */
  readonly otherVolumes: ReadonlySet<string>;
}

const NUMBERED = "(-[1-9][0-9]*)?$";
/** Path of a mount → the names of our volume that stands there. */
const VOLUMES: Readonly<Record<string, RegExp>> = {
  [CONFIG_FOLDER]: new RegExp(`^${SIDECAR_VOLUMES.config}${NUMBERED}`),
  [TOKEN_FOLDER]: new RegExp(`^${SIDECAR_VOLUMES.none}${NUMBERED}`),
};

/** Finds in a pod what an earlier call added. All of it is made anew, so a pod gains nothing by imitating it. */
export function addedBefore({ spec: { containers = [], initContainers = [], volumes = [] } }: Pod): AddedBefore {
  const ours = initContainers.filter(isOurs);
  const others = [...containers, ...initContainers.filter((one) => !isOurs(one))];
  const usedByOthers = new Set(others.flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name)));
  const mounted = new Set(ours.flatMap(ourMounts).filter((name) => !usedByOthers.has(name)));
  const ports = ours.flatMap(({ ports: all = [] }) => all.filter(({ name }) => name === SIDECAR.admin));
  const otherVolumes = volumes.flatMap(({ name }) => (mounted.has(name) ? [] : [name]));
  return {
    otherVolumes: new Set([...usedByOthers, ...otherVolumes]),
    containers: placesOf(initContainers, isOurs),
    volumes: placesOf(volumes, ({ name }) => mounted.has(name)),
    adminPorts: new Set(ports.flatMap(({ containerPort }) => containerPort ?? [])),
  };
}

/** A native sidecar of our name that has a config volume where ours has it. */
export function isOurs(container: PodContainer): boolean {
  const { name, restartPolicy } = container;
  if (name !== SIDECAR.container || restartPolicy !== "Always") return false;
  return (container.volumeMounts ?? []).some((mount) => mount.mountPath === CONFIG_FOLDER && isOurMount(mount));
}

function ourMounts({ volumeMounts = [] }: PodContainer): string[] {
  return volumeMounts.filter(isOurMount).map(({ name }) => name);
}

function isOurMount({ name, mountPath }: NonNullable<PodContainer["volumeMounts"]>[number]): boolean {
  return Object.hasOwn(VOLUMES, mountPath) && VOLUMES[mountPath]?.test(name) === true;
}

function placesOf<T>(items: readonly T[], is: (item: T) => boolean): number[] {
  return items.flatMap((item, at) => (is(item) ? [at] : []));
}
