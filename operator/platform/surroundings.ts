import { ADMIN_PORT } from "../../api/meta.ts";
import { packer } from "./packer.ts";
import { excessOf } from "../render/packed.ts";
import type { TranslateOptions } from "../translate/resources.ts";

/** What a cluster permits: pods of their own for each proxy, and configs that fit the objects of its API. */
export const inCluster: TranslateOptions = {
  externalNames: false,
  adminPort: ADMIN_PORT,
  excess: (config) => excessOf(config, packer),
};
