import { expect, test } from "vitest";
import type { KubeObject } from "../kube/kinds.ts";
import { addressForm, addressOf } from "./address.ts";

const ours = { name: "wsproxy-chat", namespace: "demo" };
const port = { name: "ws", port: 443 };
const service = (spec: object, ingress?: readonly object[]): KubeObject =>
  ({
    metadata: ours,
    spec: { ports: [port], ...spec },
    ...(ingress === undefined ? {} : { status: { loadBalancer: { ingress } } }),
  }) as KubeObject;
const balanced = (...ingress: object[]): KubeObject => service({ type: "LoadBalancer" }, ingress);

test.each<[string, KubeObject | undefined, string | undefined]>([
  ["in the cluster, by its name", service({ type: "ClusterIP" }), "wsproxy-chat.demo.svc:443"],
  ["in the cluster, with a node port beside it", service({ type: "NodePort" }), "wsproxy-chat.demo.svc:443"],
  ["in the cluster, where a load balancer was before", service({}, [{ ip: "192.0.2.1" }]), "wsproxy-chat.demo.svc:443"],
  ["nowhere yet, while the load balancer has no entry", service({ type: "LoadBalancer" }), "<pending>"],
  ["nowhere yet, while its list is empty", balanced(), "<pending>"],
  ["nowhere yet, while its entry is empty", balanced({}, { hostname: "", ip: "" }), "<pending>"],
  ["at the load balancer's name", balanced({ hostname: "lb.example.com" }), "lb.example.com:443"],
  ["at the load balancer's address", balanced({ ip: "192.0.2.1" }), "192.0.2.1:443"],
  ["at its address, however it passes on", balanced({ ip: "192.0.2.1", ipMode: "Proxy" }), "192.0.2.1:443"],
  ["at its name, which may be in a certificate", balanced({ ip: "192.0.2.1", hostname: "lb" }), "lb:443"],
  ["at an address of the longer kind", balanced({ ip: "2001:db8::1" }), "[2001:db8::1]:443"],
  ["at the first of several", balanced({}, { ip: "192.0.2.2" }, { ip: "192.0.2.1" }), "192.0.2.2:443"],
  [
    "at our port, whatever another writer put before it",
    service({ type: "ClusterIP", ports: [{ name: "more", port: 9000 }, port] }),
    "wsproxy-chat.demo.svc:443",
  ],
  ["nowhere before there is a Service", undefined, undefined],
  ["nowhere without a port", service({ ports: [] }), undefined],
])("a proxy is reached %s", (_where, seen, address) => {
  expect(addressOf(seen)).toBe(address);
  expect(addressOf(seen && addressForm.of(seen).value)).toBe(address);
});

test("of a Service with thousands of entries a few are retained", () => {
  const ingress = Array.from({ length: 5000 }, (_, at) => ({ ip: `10.0.${at >> 8}.${at & 255}`, ports: [] }));
  const ports = Array.from({ length: 5000 }, (_, at) => ({ name: `p${at}`, port: at + 1 }));
  const { value, weight } = addressForm.of(service({ type: "LoadBalancer", ports: [...ports, port] }, ingress));
  expect(addressOf(value)).toBe("10.0.0.0:443");
  expect(weight).toBeLessThan(4096);
});
