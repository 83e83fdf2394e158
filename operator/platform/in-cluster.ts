import { ADMIN_PORT } from "../../api/meta.ts";
import { packer } from "./packer.ts";
import { excessOf } from "../render/packed.ts";
import type { Packer } from "../render/packer.ts";
import type { SidecarSupport, TranslateOptions } from "../translate/resources.ts";

/** The options of a translation for a cluster: each proxy has pods of its own, and its config fits the objects of the API. */
export function inClusterWith(used: Packer, sidecar: SidecarSupport): TranslateOptions {
  return { externalNames: false, adminPort: ADMIN_PORT, sidecar, excess: (config) => excessOf(config, used) };
}

export const inCluster = inClusterWith(packer, "On");
