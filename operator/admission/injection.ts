import type { Pod } from "../../api/admission-review.ts";
import { INJECTED_LABEL, OWN_PRE_STOP_ANNOTATION, SHAPE_ANNOTATION } from "../../api/meta.ts";
import { graceSeconds } from "../render/grace.ts";
import type { RenderSettings } from "../render/settings.ts";
import { SIDECAR_VOLUMES, sidecarHash, sidecarParts } from "../render/sidecar.ts";
import { addedBefore } from "./added-before.ts";
import { drainHooks } from "./drain-hooks.ts";
import { entryEdits, itemEdits, pointer, type Operation } from "./json-patch.ts";
import type { Standing } from "./standing.ts";
import { withTakenOver } from "./taken-over.ts";

/** What an injection is made of, beside the pod. */
export interface InjectionOptions {
  readonly proxy: Extract<Standing, { readonly kind: "Sidecar" }>;
  readonly adminPort: number;
  readonly settings: RenderSettings;
  /** `Packer.hash`. */
  readonly hash: (text: string) => string;
}

/** The lists of a pod as they came, with every field. */
interface Lists {
  readonly spec: { readonly initContainers?: readonly unknown[] | null; readonly volumes?: readonly unknown[] | null };
}

/**
 * The edits that put the data plane into a pod; none: it is there. They are made of the pod without what an earlier call
 * added, so the same pod results however often the API server asks.
 */
export function injection(pod: Pod, raw: unknown, options: InjectionOptions): Operation[] {
  const { proxy, adminPort, settings, hash } = options;
  const { names, shape } = proxy;
  const { metadata, spec } = pod;
  const { initContainers, volumes } = (raw as Lists).spec;
  const added = addedBefore(pod);
  const { config, none } = SIDECAR_VOLUMES;
  const volumeNames = { config: freeName(config, added.otherVolumes), none: freeName(none, added.otherVolumes) };
  const idleDelay = spec.restartPolicy === "" || spec.restartPolicy === "Always" ? undefined : "0s";
  const parts = sidecarParts(names, shape, { adminPort, idleDelay, volumeNames }, settings);
  const container = withTakenOver(parts.container, initContainers?.[added.containers.at(-1) ?? -1]);
  const hooks = drainHooks(spec.containers ?? [], adminPort, added.adminPorts);
  return [
    ...entryEdits(pointer("metadata", "labels"), metadata.labels, { [INJECTED_LABEL]: names.base }),
    ...entryEdits(pointer("metadata", "annotations"), metadata.annotations, {
      [SHAPE_ANNOTATION]: sidecarHash(names, shape, settings, hash),
      [OWN_PRE_STOP_ANNOTATION]: hooks.own,
    }),
    ...graceEdit(spec.terminationGracePeriodSeconds, graceSeconds(shape.drainPeriod), added.containers.length > 0),
    // At the end: the user's init containers are done before it starts, and it is there before the main containers.
    ...itemEdits(
      pointer("spec", "initContainers"),
      initContainers ?? undefined,
      added.containers,
      [container],
      "AtTheEnd",
    ),
    ...hooks.operations,
    ...itemEdits(pointer("spec", "volumes"), volumes ?? undefined, added.volumes, parts.volumes, "Anywhere"),
  ];
}

/** Kubernetes' terminationGracePeriodSeconds of a pod that says nothing. */
const DEFAULT_GRACE = 30;
/** A longer one is long enough. JSON in JavaScript has no exact number for the longest that Kubernetes permits. */
const LONG_GRACE = 1_000_000_000;

/** The drain comes first, then the process has as long as without us: both share one period. */
function graceEdit(given: number | undefined, drain: number, isRaised: boolean): Operation[] {
  const own = Math.max(given ?? DEFAULT_GRACE, 0);
  const wanted = isRaised && given !== undefined ? Math.max(own, drain) : own + drain;
  if (own > LONG_GRACE || wanted === given) return [];
  const path = pointer("spec", "terminationGracePeriodSeconds");
  return [{ op: given === undefined ? "add" : "replace", path, value: wanted }];
}

/** The name, or the first of `name-2`, `name-3` … that is free. */
function freeName(name: string, taken: ReadonlySet<string>): string {
  let free = name;
  for (let number = 2; taken.has(free); number += 1) free = `${name}-${number}`;
  return free;
}
