import { z } from "zod";
import { port } from "./names.ts";
import { dataplane, sidecar } from "./pods.ts";
import { positiveDuration } from "./quantities.ts";

/** What the operator records of mode Sidecar beside a config: the shape of the container, and which pods get it. */
export const sidecarShape = z.strictObject({
  selector: sidecar.shape.selector,
  listenerPort: port,
  resources: dataplane.shape.resources,
  drainPeriod: positiveDuration,
});

/** Largest record of a shape, in characters of JSON: every replica of the operator retains that of each proxy. */
export const LARGEST_SIDECAR_RECORD = 8192;
