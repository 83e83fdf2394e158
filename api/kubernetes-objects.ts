import { z } from "zod";
import { metadata, texts } from "./websocket-proxy.ts";

/** The parts of Kubernetes objects that the translation reads, as the API writes them; other fields are ignored. */

const port = z.int().min(1).max(65_535);
const text = z.string();

/** For Kubernetes, absent and null mean the same. */
const list = <T extends z.ZodType>(item: T) =>
  z
    .array(item)
    .nullish()
    .transform((items) => items ?? []);
const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? undefined);
/** An empty text means the same, too. */
const name = text.nullish().transform((value) => (value === null || value === "" ? undefined : value));
const nameOr = (usual: string) => name.transform((value) => value ?? usual);

const protocol = nameOr("TCP");

export const secret = z.looseObject({ metadata, type: nameOr("Opaque"), data: texts, stringData: texts });

export const configMap = z.looseObject({ metadata, data: texts, binaryData: texts });

export const service = z.looseObject({
  metadata,
  spec: z.looseObject({
    type: nameOr("ClusterIP"),
    externalName: name,
    ipFamilies: list(text),
    ports: list(
      z.looseObject({
        name,
        protocol,
        port,
        // 0 and an empty text mean the Service's own port.
        targetPort: z
          .union([port, z.literal(0), text])
          .nullish()
          .transform((value) => (value === 0 || value === "" ? undefined : value)),
      }),
    ),
  }),
});

export const endpointSlice = z.looseObject({
  metadata,
  addressType: nameOr("IPv4"),
  // The API server takes any number.
  ports: list(z.looseObject({ name, protocol, port: z.int().nullish() })),
  endpoints: list(
    z.looseObject({
      addresses: list(text),
      conditions: z.looseObject({ ready: flag, serving: flag, terminating: flag }).nullish(),
      targetRef: z.looseObject({ kind: name, name, uid: name }).nullish(),
    }),
  ),
});

export type SecretObject = z.output<typeof secret>;
export type ConfigMapObject = z.output<typeof configMap>;
export type ServiceObject = z.output<typeof service>;
export type EndpointSliceObject = z.output<typeof endpointSlice>;
