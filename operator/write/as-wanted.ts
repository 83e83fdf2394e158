import { GROUP } from "../../api/meta.ts";
import { hashOf } from "../../runtime/packed-text.ts";
import type { KubeObject } from "../kube/kinds.ts";
import { unchanged } from "../kube/unchanged.ts";
import type { Manifest } from "../render/manifest.ts";
import type { Form } from "../watch/contents.ts";
import { asApplied, withHashes } from "../watch/own-form.ts";
import { apartFromReplicas } from "./replicas.ts";

/** Hash of the manifest that was applied last: the object alone does not show which fields a manifest no longer names. */
export const APPLIED = `${GROUP}/applied`;

/** What an object is to be. */
export interface AsWanted {
  /** The manifest, but for the number of pods. */
  readonly rest: Manifest;
  /** The number of pods of a Deployment that the spec fixes. */
  readonly wanted: number | undefined;
  /** Hash of `rest`. */
  readonly applied: string;
}

/** What an object is to be by its manifest. */
export function asWanted(manifest: Manifest): AsWanted {
  const { rest, wanted } = apartFromReplicas(manifest);
  return { rest, wanted, applied: hashOf(JSON.stringify(rest)).slice(0, 16) };
}

/** Retains that a version of an object is as it is wanted. */
export function formOf({ applied, wanted }: AsWanted): Form<true> {
  return asApplied(wanted === undefined ? applied : `${applied} ${wanted}`);
}

/** Is a live object as the manifest says, but for the number of pods? */
export function isAsApplied({ rest, applied }: AsWanted, live: KubeObject | undefined): boolean {
  if (live?.metadata.annotations?.[APPLIED] !== applied) return false;
  return isData(rest.kind) ? unchanged(withHashes(rest), withHashes(live)) : unchanged(rest, live);
}

/** Is it one of the kinds whose long values are retained as hashes? */
export function isData(kind: string): boolean {
  return kind === "Secret" || kind === "ConfigMap";
}
