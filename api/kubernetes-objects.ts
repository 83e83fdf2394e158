import { z } from "zod";
import { metadata } from "./websocket-proxy.ts";

/** The parts of Kubernetes objects that the translation reads, as the API writes them; other fields are ignored. */

const port = z.int().min(1).max(65_535);
const text = z.string();

/** For Kubernetes, absent and null mean the same. */
const list = <T extends z.ZodType>(item: T) =>
  z
    .array(item)
    .nullish()
    .transform((items) => items ?? []);
const map = z
  .record(text, text)
  .nullish()
  .transform((entries) => entries ?? {});
const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? undefined);
const name = text.nullish().transform((value) => (value === null || value === "" ? undefined : value));

const protocol = text.nullish().transform((value) => value ?? "TCP");

export const secret = z.looseObject({ metadata, type: text.default("Opaque"), data: map, stringData: map });

export const configMap = z.looseObject({ metadata, data: map });

export const service = z.looseObject({
  metadata,
  spec: z.looseObject({
    type: text.default("ClusterIP"),
    externalName: text.optional(),
    ipFamilies: list(z.enum(["IPv4", "IPv6"])),
    ports: list(z.looseObject({ name, protocol, port, targetPort: z.union([port, text]).nullish() })),
  }),
});

export const endpointSlice = z.looseObject({
  metadata,
  addressType: z.enum(["IPv4", "IPv6", "FQDN"]).default("IPv4"),
  ports: list(z.looseObject({ name, protocol, port: port.nullish() })),
  endpoints: list(
    z.looseObject({
      addresses: z.array(text),
      conditions: z.looseObject({ ready: flag, serving: flag, terminating: flag }).nullish(),
      targetRef: z.looseObject({ kind: name, name, uid: name }).nullish(),
    }),
  ),
});

export type SecretObject = z.output<typeof secret>;
export type ServiceObject = z.output<typeof service>;
export type EndpointSliceObject = z.output<typeof endpointSlice>;
