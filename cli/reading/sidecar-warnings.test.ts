import { expect, test } from "vitest";
import { collect } from "../manifests/workspace.ts";
import { sidecarWarnings } from "./sidecar-warnings.ts";
import { translateEach } from "./translated.ts";

const proxy = (mode: string, name = "chat"): string => `apiVersion: wsproxy.dev/v1alpha1
kind: WebSocketProxy
metadata: { name: ${name}, namespace: demo }
spec:
  ${mode}
  policies: { authentication: { require: None } }
  routes:
    - { name: pod, backends: [{ port: 3000 }, { port: 3001, weight: 0 }, { service: other, port: 80 }] }
`;
const PROXY = proxy("mode: Sidecar\n  sidecar: { selector: { matchLabels: { app: chat, tier: web } } }");

const service = (ports: string, selector = "app: chat", namespace = "demo"): string => `apiVersion: v1
kind: Service
metadata: { name: chat, namespace: ${namespace} }
spec:
  selector: { ${selector} }
  ports: ${ports}
`;

const pods = (labels: string, kind = "Deployment", above = ""): string => `apiVersion: apps/v1
kind: ${kind}
metadata: { name: chat, namespace: demo${above} }
spec: { template: { metadata: { labels: { ${labels} } } } }
`;

/** The warnings about these objects: line, object, field and words. */
function warnings(...objects: readonly string[]): string[] {
  const { manifests, pods: found } = collect("all.yaml", objects.join("---\n"));
  const told = sidecarWarnings(translateEach(manifests), manifests, found);
  return told.map(({ line, object, field, message }) => `${line} ${object} ${field} ${message}`);
}

test("a Service that names the process's port is told, with the line and what to write", () => {
  expect(warnings(service("[{ port: 80, targetPort: wsproxy }, { port: 81, targetPort: 3000 }]"), PROXY)).toEqual([
    "6 Service demo/chat spec.ports[1].targetPort leads clients to port 3000 of the process, around the gateway of WebSocketProxy demo/chat; write targetPort: wsproxy, or remove the port",
  ]);
});

test.each([
  ["a port without a targetPort", "[{ port: 3001 }]", ["spec.ports[0].port"]],
  [
    "every such port",
    "[{ port: 3000, name: a }, { port: 2, targetPort: 3001 }]",
    ["spec.ports[0].port", "spec.ports[1].targetPort"],
  ],
  ["no other port of the pod", "[{ port: 3000, targetPort: 9100 }, { port: 80, targetPort: 8080 }]", []],
  ["no port of another protocol", "[{ port: 3000, protocol: UDP }]", []],
  ["no port by its name, which no file tells", "[{ port: 80, targetPort: http }]", []],
])("of a Service is told %s", (_what, ports, fields) => {
  expect(warnings(service(ports), PROXY).map((line) => line.split(" ")[3])).toEqual(fields);
});

test.each<[string, string, string, number]>([
  ["with a label of the proxy's selector", "app: chat", "demo", 1],
  ["with more labels", "app: chat, other: label", "demo", 1],
  ["with another value of a label", "app: chat, tier: db", "demo", 0],
  ["with no label of the selector", "component: db", "demo", 0],
  ["of another namespace", "app: chat", "far", 0],
])("without pods in the files, a Service %s counts %#", (_what, selector, namespace, count) => {
  expect(warnings(service("[{ port: 3000 }]", selector, namespace), PROXY)).toHaveLength(count);
});

test("with the pods in the files, it counts whether the Service finds them", () => {
  const made = pods("app: chat, tier: web, part: one, wsproxy.dev/inject: chat");
  expect(warnings(service("[{ port: 3000 }]", "part: one"), PROXY, made)).toHaveLength(1);
  expect(warnings(service("[{ port: 3000 }]", "app: chat, part: two"), PROXY, made)).toEqual([]);
});

const behind = (ports: string, selector = "app: chat"): string =>
  service(ports, selector).replace("name: chat", "name: other");
const OWN =
  "leads back to the gateways of this WebSocketProxy, which would dial each other; name a Service port that leads to the process";

test.each([
  ["by the port's name", "[{ port: 80, targetPort: wsproxy }]"],
  ["by its number", "[{ port: 80, targetPort: 8080 }]"],
  ["behind another port", "[{ port: 81, targetPort: 9000 }, { port: 80, targetPort: wsproxy }]"],
])("a backend that leads back to the proxy's own gateways is told, %s", (_what, ports) => {
  expect(warnings(PROXY, behind(ports))).toEqual([
    `9 WebSocketProxy demo/chat spec.routes[0].backends[2].service ${OWN}`,
  ]);
});

test("a backend of another proxy that leads to a gateway is told: its sessions pass two", () => {
  const old = proxy("mode: Gateway", "old").replace("{ port: 3000 }, { port: 3001, weight: 0 }, ", "");
  expect(
    warnings(PROXY.replace(", { service: other, port: 80 }", ""), old, behind("[{ port: 80, targetPort: wsproxy }]")),
  ).toEqual([
    "18 WebSocketProxy demo/old spec.routes[0].backends[0].service leads to the gateway of WebSocketProxy demo/chat: sessions pass both, and it gets no credential that this one has removed; name a Service port that leads to the process",
  ]);
});

test.each([
  ["that leads to the process", "[{ port: 80, targetPort: 9000 }]", "app: chat"],
  [
    "whose other port is the gateway's",
    "[{ port: 80, targetPort: 9000 }, { port: 81, targetPort: wsproxy }]",
    "app: chat",
  ],
  ["of other pods", "[{ port: 80, targetPort: wsproxy }]", "app: news"],
  ["without a selector", "[{ port: 80, targetPort: wsproxy }]", ""],
])("a backend %s is good", (_what, ports, selector) => {
  expect(warnings(PROXY, behind(ports, selector)).filter((line) => line.includes("backends"))).toEqual([]);
});

test("a Service of a proxy of mode Gateway, and one without a selector, are not told", () => {
  const gateway = proxy("mode: Gateway").replace("{ port: 3000 }, { port: 3001, weight: 0 }, ", "");
  expect(warnings(service("[{ port: 3000 }]"), gateway)).toEqual([]);
  expect(warnings(service("[{ port: 3000 }]", ""), PROXY)).toEqual([]);
});

test("with the pods in the files, a port of the process is known by its name too", () => {
  const made = pods("app: chat, tier: web, wsproxy.dev/inject: chat").replace(
    "spec: { template: {",
    "spec: { template: { spec: { containers: [{ ports: [{ name: http, containerPort: 3000 }, { name: metrics, containerPort: 9100 }] }] },",
  );
  const ports =
    "[{ port: 80, targetPort: wsproxy }, { port: 81, targetPort: http }, { port: 82, targetPort: metrics }]";
  const told = warnings(service(ports), PROXY, made);
  expect(told).toHaveLength(1);
  expect(told[0]).toContain("spec.ports[1].targetPort leads clients to port http of the process, around the gateway");
});

test("pods that the proxy selects are good", () => {
  expect(warnings(PROXY, pods("app: chat, tier: web, wsproxy.dev/inject: chat"))).toEqual([]);
});

test.each([
  [
    "of no proxy in the files",
    pods("app: chat, wsproxy.dev/inject: news"),
    "names WebSocketProxy demo/news, which is not in these files",
  ],
  [
    "of a hostile name",
    pods('wsproxy.dev/inject: "a\\u001b[2J"'),
    "names WebSocketProxy demo/(unnamed), which is not in these files",
  ],
  ["of a proxy of mode Gateway", pods("wsproxy.dev/inject: old"), "which is of mode Gateway"],
  [
    "that the proxy does not select",
    pods("app: chat, wsproxy.dev/inject: chat"),
    "whose selector asks for tier=web, so the cluster refuses",
  ],
  ["of a StatefulSet", pods("wsproxy.dev/inject: news", "StatefulSet"), "not in these files"],
])("pods %s are told", (_what, made, words) => {
  const old = proxy("mode: Gateway", "old").replace("{ port: 3000 }, { port: 3001, weight: 0 }, ", "");
  const told = warnings(old, PROXY, made);
  expect(told).toHaveLength(1);
  expect(told[0]).toContain("spec.template.metadata.labels");
  expect(told[0]).toContain(words);
});

test.each([
  [
    "a Pod",
    "apiVersion: v1\nkind: Pod\nmetadata: { name: chat, namespace: demo, labels: { wsproxy.dev/inject: news } }\n",
    'Pod demo/chat metadata.labels["wsproxy.dev/inject"] names',
  ],
  [
    "a CronJob",
    "apiVersion: batch/v1\nkind: CronJob\nmetadata: { name: chat, namespace: demo }\nspec: { jobTemplate: { spec: { template: { metadata: { labels: { wsproxy.dev/inject: news } } } } } }\n",
    'CronJob demo/chat spec.jobTemplate.spec.template.metadata.labels["wsproxy.dev/inject"] names',
  ],
  [
    "a label of the Deployment and not of its pods",
    pods("app: chat", "Deployment", ", labels: { wsproxy.dev/inject: chat }"),
    'Deployment demo/chat metadata.labels["wsproxy.dev/inject"] is a label of the Deployment alone, so no pod gets a gateway',
  ],
])("%s is told by its own field", (_what, made, words) => {
  const told = warnings(PROXY, made);
  expect(told).toHaveLength(1);
  expect(told[0]).toContain(words);
});
