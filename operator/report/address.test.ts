import { expect, test } from "vitest";
import { addressOf } from "./address.ts";

const service = (ingress?: object) => ({
  metadata: { name: "wsproxy-chat", namespace: "demo" },
  spec: { ports: [{ port: 443 }] },
  ...(ingress === undefined ? {} : { status: { loadBalancer: { ingress: [ingress] } } }),
});

test.each([
  ["in the cluster, by its name", service(), "wsproxy-chat.demo.svc:443"],
  [
    "in the cluster, while the load balancer is made",
    { ...service(), status: { loadBalancer: {} } },
    "wsproxy-chat.demo.svc:443",
  ],
  ["at the load balancer's name", service({ hostname: "lb.example.com" }), "lb.example.com:443"],
  ["at the load balancer's address", service({ ip: "192.0.2.1" }), "192.0.2.1:443"],
  ["at an address of the longer kind", service({ ip: "2001:db8::1" }), "[2001:db8::1]:443"],
  ["nowhere before there is a Service", undefined, undefined],
  ["nowhere without a port", { metadata: { name: "wsproxy-chat", namespace: "demo" }, spec: {} }, undefined],
])("a proxy is reached %s", (_where, seen, address) => {
  expect(addressOf(seen)).toBe(address);
});
