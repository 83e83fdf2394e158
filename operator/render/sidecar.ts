import type { V1Container, V1Volume } from "@kubernetes/client-node";
import type { SidecarShape } from "../translate/translation.ts";
import type { Names } from "./names.ts";
import type { RenderSettings } from "./settings.ts";

/** What a pod of mode Sidecar gets. */
export interface SidecarParts {
  readonly container: V1Container;
  readonly volumes: readonly V1Volume[];
}

/** The value of the shape annotation: pods with another one have an older container. `hash` is `Packer.hash`. */
export function sidecarHash(
  { base }: Names,
  shape: SidecarShape,
  { image, imagePullPolicy }: RenderSettings,
  hash: (text: string) => string,
): string {
  return hash(JSON.stringify([base, shape, image, imagePullPolicy])).slice(0, 16);
}
