import { createServer, type Server } from "node:http";
import type { V1EndpointSlice, V1Pod, V1Service } from "@kubernetes/client-node";
import { KINDS, pathOf, type Kind } from "../../operator/kube/kinds.ts";
import type { Cluster } from "./cluster.ts";
import type { Role } from "./monitors.ts";

/** Where to scrape, and what is known of it. */
interface TargetGroup {
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

const PREFIX = "__meta_kubernetes";

/**
 * What Prometheus' own service discovery finds in Kubernetes, as an answer to its `http_sd_configs`: Debian's Prometheus is
 * built without it. A page for each role; as many of the labels as monitors and annotations need.
 */
export function discoveryServer(cluster: Cluster): Server {
  const roles: Record<Role, () => Promise<TargetGroup[]>> = {
    pod: async () => (await list<V1Pod>(cluster, KINDS.Pod)).flatMap(ofPod),
    endpointslice: async () => {
      const services = await list<V1Service>(cluster, KINDS.Service);
      return (await list<V1EndpointSlice>(cluster, KINDS.EndpointSlice)).flatMap((slice) => ofSlice(slice, services));
    },
  };
  return createServer((request, response) => {
    const find = roles[request.url?.slice(1) as Role];
    void find().then(
      (groups) => response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(groups)),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
}

async function list<T>(cluster: Cluster, kind: Kind): Promise<T[]> {
  return (await cluster.api.request<{ items: T[] }>({ path: pathOf(kind) })).items;
}

/** One for each port of its containers, once it has an address. */
function ofPod({ metadata, spec, status }: V1Pod): TargetGroup[] {
  const { podIP, phase } = status ?? {};
  if (podIP === undefined || phase !== "Running") return [];
  const labels = {
    [`${PREFIX}_namespace`]: metadata?.namespace ?? "",
    [`${PREFIX}_pod_name`]: metadata?.name ?? "",
    ...labelled("pod_label", metadata?.labels),
    ...labelled("pod_annotation", metadata?.annotations),
  };
  return (spec?.containers ?? []).flatMap(({ ports = [] }) =>
    ports.map(({ name = "", containerPort }) => ({
      targets: [`${podIP}:${containerPort}`],
      labels: {
        ...labels,
        [`${PREFIX}_pod_container_port_name`]: name,
        [`${PREFIX}_pod_container_port_number`]: String(containerPort),
      },
    })),
  );
}

/** One for each port of its endpoints. Where there are none, the API server says null. */
function ofSlice({ metadata, endpoints, ports }: Nullable<V1EndpointSlice>, services: V1Service[]): TargetGroup[] {
  const namespace = metadata?.namespace ?? "";
  const name = metadata?.labels?.["kubernetes.io/service-name"];
  const service = services.find((one) => one.metadata?.namespace === namespace && one.metadata.name === name);
  return (endpoints ?? []).flatMap(({ addresses, targetRef }) =>
    (ports ?? []).map((port) => ({
      targets: [`${addresses[0]}:${port.port}`],
      labels: {
        [`${PREFIX}_namespace`]: namespace,
        ...labelled("service_label", service?.metadata?.labels),
        [`${PREFIX}_endpointslice_port_name`]: port.name ?? "",
        [`${PREFIX}_endpointslice_address_target_name`]: targetRef?.name ?? "",
      },
    })),
  );
}

type Nullable<T> = { readonly [K in keyof T]: T[K] | null };

function labelled(prefix: string, values: Readonly<Record<string, string>> = {}): Record<string, string> {
  const entries = Object.entries(values);
  return Object.fromEntries(
    entries.map(([name, value]) => [`${PREFIX}_${prefix}_${name.replaceAll(/\W/g, "_")}`, value]),
  );
}
