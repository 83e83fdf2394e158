import { expect, test } from "vitest";
import { proxy, route, translated } from "../../../test/fakes/resources.ts";

test.each<[string, object, object, readonly string[]]>([
  ["NodePort", { type: "NodePort" }, {}, ["attempts[0].per", "bytes.fromBackend[1].per", "deny.addresses"]],
  ["NodePort with Local", { type: "NodePort", externalTrafficPolicy: "Local" }, {}, []],
  ["NodePort behind a trusted proxy", { type: "NodePort" }, { trustedProxies: ["10.0.0.0/8"] }, []],
  ["LoadBalancer", { type: "LoadBalancer" }, {}, []],
  [
    "LoadBalancer with Cluster",
    { type: "LoadBalancer", externalTrafficPolicy: "Cluster" },
    {},
    ["attempts[0].per", "bytes.fromBackend[1].per", "deny.addresses"],
  ],
  ["ClusterIP", {}, {}, []],
])("type %s: limits and denials by address are warned of where they meet nodes", (_, outside, listener, fields) => {
  const policies = {
    authentication: { require: "None" },
    attempts: [{ per: "IP", limit: 1, interval: "1s" }],
    bytes: {
      fromBackend: [
        { per: "Client", limit: 1, interval: "1s" },
        { per: "IP", limit: 1, interval: "1s" },
      ],
    },
    deny: { addresses: ["192.0.2.1"] },
  };
  const spec = { gateway: { service: outside }, listener, policies, routes: [route("a"), route("b", { policies })] };
  const { warnings, status } = translated({ proxy: proxy(spec) });
  const at = ["spec.policies", "spec.routes[1].policies"].flatMap((place) =>
    fields.map((field) => `${place}.${field}`),
  );
  expect(warnings.map((one) => one.at)).toEqual(at);
  expect(status.problems).toEqual([]);
});
