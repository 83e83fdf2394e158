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

/** In JSON of Kubernetes null means absent. */
const list = <T extends z.ZodType>(item: T) =>
  z
    .array(item)
    .nullish()
    .transform((items) => items ?? undefined);
const object = z
  .record(z.string(), z.unknown())
  .nullish()
  .transform((fields) => fields ?? undefined);
const texts = z
  .record(z.string(), z.string())
  .nullish()
  .transform((map) => map ?? undefined);

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
    containers: list(container),
    initContainers: list(container),
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
