/** What is looked for in the cluster. */
export type Role = "pod" | "endpointslice";

/** How pods are found: what Prometheus is told of them, and which it keeps. */
export interface Discovery {
  readonly name: string;
  readonly role: Role;
  readonly relabelling: readonly object[];
  /** They are scraped, and what they say is thrown away: it is there from another discovery. */
  readonly discard?: boolean;
}

/** As much of a PodMonitor as the chart writes. */
export interface PodMonitor {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly namespaceSelector: { readonly any?: true; readonly matchNames?: readonly string[] };
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly podMetricsEndpoints: readonly { readonly port: string }[];
  };
}

/** As much of a ServiceMonitor as the chart writes: it is about its own namespace. */
export interface ServiceMonitor {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: {
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly endpoints: readonly { readonly port: string }[];
  };
}

/** What the Prometheus operator makes of a PodMonitor. */
export function ofPodMonitor({ metadata, spec }: PodMonitor): Discovery {
  const { matchNames } = spec.namespaceSelector;
  const [endpoint] = spec.podMetricsEndpoints;
  return {
    name: `podMonitor/${metadata.name}`,
    role: "pod",
    relabelling: [
      ...(matchNames === undefined ? [] : [keep("namespace", matchNames.join("|"))]),
      ...labelled("pod_label", spec.selector.matchLabels),
      keep("pod_container_port_name", endpoint?.port ?? ""),
      ...placed("pod_name"),
    ],
  };
}

/** What the Prometheus operator makes of a ServiceMonitor. */
export function ofServiceMonitor({ metadata, spec }: ServiceMonitor): Discovery {
  const [endpoint] = spec.endpoints;
  return {
    name: `serviceMonitor/${metadata.name}`,
    role: "endpointslice",
    relabelling: [
      keep("namespace", metadata.namespace),
      ...labelled("service_label", spec.selector.matchLabels),
      keep("endpointslice_port_name", endpoint?.port ?? ""),
      ...placed("endpointslice_address_target_name"),
    ],
  };
}

/** What many a Prometheus without that operator goes by. */
export const byAnnotations: Discovery = {
  name: "annotations",
  role: "pod",
  discard: true,
  relabelling: [
    keep("pod_annotation_prometheus_io_scrape", "true"),
    // A pod comes once for each of its ports; the one that the annotation names is left.
    {
      action: "keepequal",
      source_labels: ["__meta_kubernetes_pod_container_port_number"],
      target_label: "__meta_kubernetes_pod_annotation_prometheus_io_port",
    },
    ...placed("pod_name"),
  ],
};

function keep(label: string, regex: string): object {
  return { action: "keep", source_labels: [`__meta_kubernetes_${label}`], regex };
}

function labelled(prefix: string, labels: Readonly<Record<string, string>>): object[] {
  return Object.entries(labels).map(([name, value]) => keep(`${prefix}_${name.replaceAll(/\W/g, "_")}`, value));
}

/** The labels that dashboard and alerts go by. */
function placed(pod: string): object[] {
  return [
    { source_labels: ["__meta_kubernetes_namespace"], target_label: "namespace" },
    { source_labels: [`__meta_kubernetes_${pod}`], target_label: "pod" },
  ];
}
