/** Manifests as users write them, for programs that read files. */

const indent = (text: string, by: string): string => text.replaceAll(/^(?=.)/gm, by);

export interface ProxyParts {
  readonly name?: string;
  readonly port?: number;
  /** Lines of YAML below `spec`, beside listener and routes. */
  readonly spec?: string;
  /** Lines of YAML below the route's `policies`; authentication is there already. */
  readonly policies?: string;
  /** More routes, as YAML list items. */
  readonly routes?: string;
  /** Replaces `service: echo`. */
  readonly service?: string;
}

/** A WebSocketProxy `demo/chat` with one route to the Service `echo` and API keys from Secrets labelled `keys: chat`. */
export function proxyManifest(parts: ProxyParts = {}): string {
  const { name = "chat", port = 8080, spec = "", policies = "", routes = "", service = "echo" } = parts;
  return `apiVersion: wsproxy.dev/v1alpha1
kind: WebSocketProxy
metadata: { name: ${name}, namespace: demo }
spec:
  listener: { port: ${port} }
  dataplane: { drain: { period: 100ms } }
${indent(spec, "  ")}
  routes:
    - name: main
      backends: [{ service: ${service}, port: 80 }]
      policies:
        authentication:
          apiKey: { secretSelector: { matchLabels: { keys: chat } } }
${indent(policies, "        ")}
${indent(routes, "    ")}
`;
}

/** A Secret with API keys: client id → key. */
export function keysManifest(keys: Readonly<Record<string, string>>, name = "keys"): string {
  return `apiVersion: v1
kind: Secret
metadata: { name: ${name}, namespace: demo, labels: { keys: chat } }
stringData: ${JSON.stringify(keys)}
`;
}

/** The Service `echo`, port 80, with its one endpoint on loopback. */
export function backendManifest(port: number, name = "echo"): string {
  return `apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: demo }
spec: { ports: [{ port: 80 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}-1, namespace: demo, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ port: ${port} }]
endpoints: [{ addresses: [127.0.0.1] }]
`;
}

export const ALICE = "alices-own-key-0001";
export const BOB = "bobs-quite-own-key-2";
