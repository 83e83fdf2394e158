import { z } from "zod";
import { rule } from "./rule.ts";

/** Maps with a bounded number of entries. */

const ENTRIES = 64;

/** A map of texts, such as labels and annotations. */
export function textMap(values: z.ZodString) {
  return bounded(
    rule(
      z.record(z.string(), values),
      { cel: "self.all(key, size(key) <= 317)", message: "must have keys of at most 317 characters" },
      (map) => Object.keys(map).every((key) => key.length <= 317),
    ),
  );
}

/** Part of a Kubernetes object: passed on unchanged; Kubernetes checks it. */
export const kubernetesObject = bounded(
  z.record(z.string(), z.unknown()).meta({ "x-kubernetes-preserve-unknown-fields": true }),
);

/** The value of a Kubernetes label. */
export const labelValue = z
  .string()
  .max(63)
  .regex(
    /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/,
    "is not the value of a label: write letters, digits, - _ and .",
  );

/** The map with at least one entry. */
export function notEmpty<T extends z.ZodType<Readonly<Record<string, unknown>>>>(map: T): T {
  return rule(
    map,
    { cel: "size(self) > 0", message: "must select something" },
    (value) => Object.keys(value).length > 0,
  );
}

function bounded<T extends z.ZodType<Readonly<Record<string, unknown>>>>(map: T): T {
  return map
    .refine((value) => Object.keys(value).length <= ENTRIES, `must have at most ${ENTRIES} entries`)
    .meta({ ...map.meta(), maxProperties: ENTRIES });
}
