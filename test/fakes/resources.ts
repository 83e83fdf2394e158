import type { Config } from "../../api/config.ts";
import type { ObjectMetadata } from "../../api/websocket-proxy.ts";
import { tools } from "../../operator/platform/tools.ts";
import { lookupFor, type Lookup } from "../../operator/translate/references/lookup.ts";
import type {
  EndpointSlice,
  Resources,
  Secret,
  Service,
  TranslateOptions,
} from "../../operator/translate/resources.ts";
import { translate } from "../../operator/translate/translate.ts";
import type { Translation } from "../../operator/translate/translation.ts";

/** Metadata of an object in the namespace `demo`; absent fields get real defaults. */
export function metadata(name: string, more: Partial<ObjectMetadata> = {}): ObjectMetadata {
  const defaults = { namespace: "demo", generation: 1, uid: "", creationTimestamp: "", labels: {}, annotations: {} };
  return { ...defaults, name, ...more };
}

export function secret(
  name: string,
  data: Readonly<Record<string, string>>,
  { type = "Opaque", notText = [] as string[], ...more }: Partial<ObjectMetadata> & Partial<Secret> = {},
): Secret {
  return { metadata: metadata(name, more), type, data, notText };
}

export function service(name: string, ports: Service["ports"], more: Partial<Service> = {}): Service {
  return { metadata: metadata(name), type: "ClusterIP", ports, ...more };
}

type Endpoint = EndpointSlice["endpoints"][number];

export function slice(
  of: string,
  ports: EndpointSlice["ports"],
  endpoints: readonly (string | (Partial<Endpoint> & Pick<Endpoint, "addresses">))[],
  name = `${of}-1`,
  addressType: EndpointSlice["addressType"] = "IPv4",
): EndpointSlice {
  return {
    metadata: metadata(name),
    service: of,
    addressType,
    ports,
    endpoints: endpoints.map((it) => ({
      ready: true,
      serving: true,
      terminating: false,
      ...(typeof it === "string" ? { addresses: [it] } : it),
    })),
  };
}

/** A WebSocketProxy manifest; open unless its spec says otherwise, with the backend `echo:80`. */
export function proxy(spec: object = {}, generation = 1): object {
  return {
    apiVersion: "wsproxy.dev/v1alpha1",
    kind: "WebSocketProxy",
    metadata: { name: "chat", namespace: "demo", generation },
    spec: { policies: { authentication: { require: "None" } }, routes: [route("main")], ...spec },
  };
}

export function route(name: string, more: object = {}): object {
  return { name, path: { value: `/${name}` }, backends: [{ service: "echo", port: 80 }], ...more };
}

/** Resources of a translation: the Service `echo` with one endpoint, and the parts that are given. */
export function resources(parts: Partial<Resources> = {}): Resources {
  return {
    proxy: proxy(),
    secrets: [],
    configMaps: [],
    services: [service("echo", [{ port: 80 }])],
    endpointSlices: [slice("echo", [{ port: 8080 }], ["10.0.0.1"])],
    ...parts,
  };
}

export function lookup(parts: Partial<Resources> = {}, options: Partial<TranslateOptions> = {}): Lookup {
  const inCluster = { externalNames: false, ...options };
  return lookupFor({ namespace: "demo", name: "chat" }, resources(parts), undefined, tools, inCluster);
}

export function translated(
  parts: Partial<Resources>,
  previous?: Config,
  options: Partial<TranslateOptions> = {},
): Translation {
  return translate(resources(parts), previous, tools, { externalNames: false, ...options });
}
