import type { Applicable } from "../../operator/kube/apply.ts";

/** One of each kind that the operator writes, shaped as it writes them, with values that the API server spells anew. */
export function manifests(namespace: string): readonly (Applicable & Readonly<Record<string, unknown>>)[] {
  const metadata = { name: "wsproxy-chat", namespace, labels: { app: "wsproxy" }, annotations: {} };
  const selector = { matchLabels: { app: "wsproxy" } };
  return [
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata,
      spec: {
        replicas: 2,
        minReadySeconds: 0,
        selector,
        strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: "25%" } },
        template: {
          metadata: { labels: { app: "wsproxy" } },
          spec: {
            hostNetwork: false,
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: "RuntimeDefault" } },
            tolerations: [],
            containers: [
              {
                name: "wsproxy",
                image: "wsproxy:1",
                args: ["dataplane"],
                ports: [{ name: "ws", containerPort: 8080 }],
                resources: { requests: { cpu: "1000m", memory: "0.5Gi" }, limits: { cpu: "1.5", memory: "1024Mi" } },
                readinessProbe: { httpGet: { path: "/readyz", port: 9090 }, periodSeconds: 2, failureThreshold: 1 },
                securityContext: {
                  allowPrivilegeEscalation: false,
                  readOnlyRootFilesystem: true,
                  capabilities: { drop: ["ALL"] },
                },
                volumeMounts: [{ name: "config", mountPath: "/etc/wsproxy/config", readOnly: true }],
              },
            ],
            volumes: [
              {
                name: "config",
                projected: {
                  sources: [
                    { secret: { name: "wsproxy-chat-config-0" } },
                    { secret: { name: "wsproxy-chat-config-1", optional: true } },
                    { configMap: { name: "wsproxy-chat-endpoints" } },
                  ],
                },
              },
              { name: "tmp", emptyDir: { sizeLimit: "1024Ki" } },
            ],
          },
        },
      },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata,
      spec: {
        type: "ClusterIP",
        ipFamilyPolicy: "PreferDualStack",
        selector: selector.matchLabels,
        ports: [{ name: "ws", port: 80, targetPort: "ws" }],
      },
    },
    { apiVersion: "policy/v1", kind: "PodDisruptionBudget", metadata, spec: { maxUnavailable: 1, selector } },
    {
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata,
      spec: {
        podSelector: selector,
        policyTypes: ["Ingress", "Egress"],
        ingress: [{ ports: [{ port: "ws" }] }, { from: [{ namespaceSelector: {} }], ports: [{ port: 9090 }] }],
        egress: [{}],
      },
    },
    { apiVersion: "v1", kind: "ServiceAccount", metadata, automountServiceAccountToken: false },
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata,
      type: "Opaque",
      data: { "config.json.gz.0": "H4sIAAAA", parts: "MQ==" },
    },
    { apiVersion: "v1", kind: "ConfigMap", metadata, data: {}, binaryData: { "endpoints.json.gz": "H4sIAAAA" } },
  ];
}
