import { SIDECAR } from "../../api/meta.ts";
import { list, record } from "../../api/unchecked.ts";
import { nameInWords } from "../../operator/translate/read-proxy.ts";
import type { ManifestDocument } from "../manifests/decode-file.ts";
import type { InjectedPods } from "../manifests/injected-pods.ts";
import type { Finding, ObjectLocation } from "../manifests/location.ts";
import type { Translated } from "./translated.ts";

type Labels = Readonly<Record<string, unknown>>;

/** A proxy of mode Sidecar that is accepted. */
interface Sidecar {
  readonly id: string;
  readonly namespace: string;
  readonly matchLabels: Labels;
  /** Ports of the processes behind the gateway, in its pod. */
  readonly ports: ReadonlySet<unknown>;
  /** What a Service may call the gateway's own port. */
  readonly listener: ReadonlySet<unknown>;
}

/** What Services and pods of the files do with proxies of mode Sidecar that their author may not mean. */
export function sidecarWarnings(
  translated: readonly Translated[],
  manifests: readonly ManifestDocument[],
  pods: readonly InjectedPods[],
): Finding[] {
  const sidecars = translated.flatMap((it) => sidecarOf(it));
  const proxies = new Map(translated.map((it) => [it.id, it]));
  const services = new Map(manifests.flatMap((it) => (it.service === undefined ? [] : [[it.id, it.service]])));
  return [
    ...manifests.flatMap((manifest) => gatewayBehind(manifest, services, sidecars, pods)),
    ...manifests.flatMap((manifest) => aroundGateway(manifest, sidecars, pods)),
    ...pods.flatMap((it) => notInjected(it, proxies.get(`${it.namespace}/${it.proxy}`))),
  ];
}

function sidecarOf({ id, translation: { sidecar, endpoints } }: Translated): Sidecar[] {
  if (sidecar === undefined) return [];
  const ports = Object.keys(endpoints.backends).flatMap((key) => (key.startsWith(":") ? [Number(key.slice(1))] : []));
  const [namespace = ""] = id.split("/");
  const listener = new Set([SIDECAR.listener, sidecar.listenerPort]);
  return [{ id, namespace, matchLabels: sidecar.selector.matchLabels, ports: new Set(ports), listener }];
}

/** Ports of a Service that lead to a process behind a gateway, and so around the gateway. */
function aroundGateway(
  { id, object, service, location }: ManifestDocument,
  sidecars: readonly Sidecar[],
  pods: readonly InjectedPods[],
): Finding[] {
  const selector = record(service?.["selector"]);
  if (object.kind !== "Service" || Object.keys(selector).length === 0) return [];
  const { namespace } = object.object.metadata;
  const reached = sidecars.filter((it) => it.namespace === namespace && leadsTo(selector, it, pods));
  return list(service?.["ports"]).flatMap((entry, index) => {
    const { port, targetPort, protocol = "TCP" } = record(entry);
    const target = targetPort ?? port;
    const isBehind = (it: Sidecar): boolean => it.ports.has(target) || isNamed(target, it, selector, pods);
    const proxy = protocol === "TCP" ? reached.find(isBehind) : undefined;
    if (proxy === undefined) return [];
    const field = `spec.ports[${index}].${targetPort === undefined ? "port" : "targetPort"}`;
    const message = `leads clients to port ${nameInWords(String(target))} of the process, around the gateway of WebSocketProxy ${proxy.id}; write targetPort: ${SIDECAR.listener}, or remove the port`;
    return [finding(id, location, field, message)];
  });
}

/** Backends of a proxy's routes that are no process, but a gateway again: its own, or that of another proxy's pods. */
function gatewayBehind(
  { id, object, location }: ManifestDocument,
  services: ReadonlyMap<string, Labels>,
  sidecars: readonly Sidecar[],
  pods: readonly InjectedPods[],
): Finding[] {
  if (object.kind !== "WebSocketProxy") return [];
  const { namespace, name } = object;
  const routes = list(record(record(object.manifest)["spec"])["routes"]).map(record);
  return routes.flatMap(({ backends }, route) => {
    return list(backends).flatMap((entry, index) => {
      const { service, port } = record(entry);
      const { selector, ports } = services.get(`Service ${namespace}/${String(service)}`) ?? {};
      const found = list(ports)
        .map(record)
        .find((one) => one["port"] === port);
      if (found === undefined || Object.keys(record(selector)).length === 0) return [];
      const target = found["targetPort"] ?? port;
      const behind = sidecars.find((it) => {
        return it.namespace === namespace && it.listener.has(target) && leadsTo(record(selector), it, pods);
      });
      if (behind === undefined) return [];
      const what =
        behind.id === `${namespace}/${name}`
          ? "leads back to the gateways of this WebSocketProxy, which would dial each other"
          : `leads to the gateway of WebSocketProxy ${behind.id}: sessions pass both, and it gets no credential that this one has removed`;
      const message = `${what}; name a Service port that leads to the process`;
      return [finding(id, location, `spec.routes[${route}].backends[${index}].service`, message)];
    });
  });
}

/** Does the Service find the proxy's pods? Where the files do not have them: can both selectors find the same pods? */
function leadsTo(selector: Labels, { id, matchLabels }: Sidecar, pods: readonly InjectedPods[]): boolean {
  const known = pods.flatMap(({ namespace, proxy, labels }) => {
    return labels !== undefined && `${namespace}/${proxy}` === id ? [labels] : [];
  });
  if (known.length > 0) return known.some((labels) => missing(selector, labels).length === 0);
  const shared = Object.keys(selector).filter((key) => Object.hasOwn(matchLabels, key));
  return shared.length > 0 && shared.every((key) => selector[key] === matchLabels[key]);
}

/** Is this the name of a port of the process, in one of the proxy's pods that the Service finds? */
function isNamed(target: unknown, { id, ports }: Sidecar, selector: Labels, pods: readonly InjectedPods[]): boolean {
  if (typeof target !== "string") return false;
  const own = pods.filter(({ namespace, proxy }) => `${namespace}/${proxy}` === id);
  return own.some((pod) => ports.has(pod.ports.get(target)) && missing(selector, pod.labels ?? {}).length === 0);
}

/** Pods that would not be made, or would be made without a gateway. */
function notInjected(pods: InjectedPods, named: Translated | undefined): Finding[] {
  const { id, namespace, proxy, at, labels, location } = pods;
  const [kind = ""] = id.split(" ");
  const whose = `WebSocketProxy ${namespace}/${nameInWords(proxy)}`;
  const told = (message: string): Finding[] => [finding(id, location, at, message)];
  if (labels === undefined) {
    return told(
      `is a label of the ${kind} alone, so no pod gets a gateway; write it in the labels of the pod template`,
    );
  }
  if (named === undefined) {
    return told(`names ${whose}, which is not in these files; without it the cluster refuses these pods`);
  }
  const { sidecar, infra } = named.translation;
  if (infra?.mode === "Gateway") {
    return told(`names ${whose}, which is of mode Gateway, so the cluster refuses these pods; remove the label`);
  }
  const lacks = missing(sidecar?.selector.matchLabels ?? {}, labels);
  if (lacks.length === 0) return [];
  return told(
    `names ${whose}, whose selector asks for ${lacks.join(", ")}, so the cluster refuses these pods; add that to their labels`,
  );
}

/** What of a selector the labels do not have, as `app=chat`. */
function missing(selector: Labels, labels: Labels): string[] {
  const lacks = Object.entries(selector).filter(([key, value]) => !Object.hasOwn(labels, key) || labels[key] !== value);
  return lacks.map(([key, value]) => `${key}=${String(value)}`);
}

function finding(object: string, location: ObjectLocation, field: string, message: string): Finding {
  const { file, document } = location;
  return { file, document, line: location.line(field), object, field, message };
}
