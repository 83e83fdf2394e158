import { GROUP } from "../../api/meta.ts";
import { LARGEST_SIDECAR_RECORD, sidecarShape } from "../../api/sidecar-shape.ts";
import type { SidecarShape } from "../translate/translation.ts";
import type { Labels } from "./manifest.ts";

/** Annotation of a config Secret: the shape of the container that pods get with this config, as JSON. */
export const SIDECAR_RECORD = `${GROUP}/sidecar`;

/**
 * The annotation, as it is written with each config. Every replica of the operator decides from it which pods get the
 * container: so an edit that is not accepted changes nothing for new pods.
 */
export function sidecarRecord(shape: SidecarShape | undefined): Labels {
  return shape === undefined ? {} : { [SIDECAR_RECORD]: JSON.stringify(shape) };
}

/** Reads the annotation; undefined: there is none, or another writer changed it to what no operator writes. */
export function sidecarIn(annotations: Labels = {}): SidecarShape | undefined {
  const text = annotations[SIDECAR_RECORD];
  if (text === undefined || text.length > LARGEST_SIDECAR_RECORD) return undefined;
  try {
    return sidecarShape.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
