import { z } from "zod";

/** What a mutating webhook for pods reads of an AdmissionReview (admission.k8s.io/v1); other fields are ignored. */

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? "");

/** The review around the pod. Its object is read by `pod`, since a review is answered even where its object is unreadable. */
export const admissionReview = z.object({
  apiVersion: z.literal("admission.k8s.io/v1"),
  kind: z.literal("AdmissionReview"),
  request: z.object({
    uid: z.string().min(1).max(253),
    resource: z.object({ group: text, version: text, resource: text }),
    subResource: text,
    operation: text,
    namespace: text,
    object: z.unknown(),
  }),
});

type Issues = z.core.ParsePayload["issues"];
const SYNC = { async: false };

/**
 * Reads an item, and adds to `issues` what is wrong with it. Lists and maps are read up to their first wrong item, since only
 * that is told: a body may have hundreds of thousands.
 */
function readItem<T extends z.ZodType>(item: T, value: unknown, at: PropertyKey, issues: Issues): z.output<T> {
  const read = item._zod.run({ value, issues: [] }, SYNC) as z.core.ParsePayload<z.output<T>>;
  if (read.issues.length > 0) issues.push(...z.core.util.prefixIssues(at, read.issues));
  return read.value;
}

/** In JSON of Kubernetes null means absent. */
const list = <T extends z.ZodType>(item: T, most?: number) =>
  (most === undefined ? z.array(z.unknown()) : z.array(z.unknown()).max(most))
    .nullish()
    .transform((values, { issues }): z.output<T>[] | undefined => {
      const items: z.output<T>[] = [];
      for (const [at, value] of (values ?? []).entries()) {
        items.push(readItem(item, value, at, issues));
        if (issues.length > 0) break;
      }
      return values === null || values === undefined ? undefined : items;
    });
const object = z
  .record(z.string(), z.unknown())
  .nullish()
  .transform((fields) => fields ?? undefined);
const texts = z
  .unknown()
  .nullish()
  .transform((map, { issues }): Readonly<Record<string, string>> | undefined => {
    if (map === null || map === undefined) return undefined;
    if (typeof map !== "object" || Array.isArray(map)) {
      issues.push({ code: "invalid_type", expected: "record", input: map });
      return undefined;
    }
    for (const [key, value] of Object.entries(map)) {
      if (typeof value === "string") continue;
      readItem(z.string(), value, key, issues);
      break;
    }
    return map as Readonly<Record<string, string>>;
  });

/** Containers, and init containers, of one pod. Each main container gets a hook of 200 bytes. */
const MOST_CONTAINERS = 1000;

const container = z.object({
  name: text,
  restartPolicy: text,
  lifecycle: object,
  ports: list(
    z.object({
      name: text,
      containerPort: z
        .number()
        .nullish()
        .transform((number) => number ?? undefined),
      protocol: text,
    }),
  ),
  volumeMounts: list(z.object({ name: text, mountPath: text })),
});

/** The fields of a pod that decide whether and how it gets a data plane. */
export const pod = z.object({
  metadata: z.object({ labels: texts, annotations: texts }),
  spec: z.object({
    containers: list(container, MOST_CONTAINERS),
    initContainers: list(container, MOST_CONTAINERS),
    volumes: list(z.object({ name: text })),
    restartPolicy: text,
    terminationGracePeriodSeconds: z
      .number()
      .nullish()
      .transform((seconds) => seconds ?? undefined),
    hostNetwork: z
      .boolean()
      .nullish()
      .transform((flag) => flag ?? false),
    nodeSelector: texts,
    os: z
      .object({ name: text })
      .nullish()
      .transform((os) => os?.name ?? ""),
  }),
});

export type AdmissionReview = z.output<typeof admissionReview>;
export type Pod = z.output<typeof pod>;
export type PodContainer = z.output<typeof container>;
