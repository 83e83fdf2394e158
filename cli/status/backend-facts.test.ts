import { expect, test } from "vitest";
import { ProxyCluster } from "../../test/fakes/proxy-cluster.ts";
import { clusterTargetWithoutToken, type ClusterTarget } from "../live/cluster/cluster-target.ts";
import { backendFacts } from "./backend-facts.ts";

const STAYS = new AbortController().signal;

function opened({ kubeconfig, proxy }: ProxyCluster): Promise<ClusterTarget> {
  return clusterTargetWithoutToken({ in: "cluster", proxy, namespace: undefined, context: undefined, kubeconfig });
}

function slice(cluster: ProxyCluster, service: string, name: string, endpoints: readonly object[]): void {
  const labels = { "kubernetes.io/service-name": service };
  const metadata = { name, namespace: "demo", labels };
  cluster.api.put({ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", metadata, endpoints });
}

const of = (service: string) => ({ service, port: "80", routes: ["main"] });

test("an address counts once, and is ready where one slice says so; one that ends is not", async () => {
  const cluster = await ProxyCluster.start();
  slice(cluster, "echo", "echo-a", [
    { addresses: ["10.0.0.1"], conditions: { ready: false } },
    { addresses: ["10.0.0.2"] },
    { addresses: ["10.0.0.3"], conditions: { ready: true, terminating: true } },
  ]);
  slice(cluster, "echo", "echo-b", [{ addresses: ["10.0.0.1"], conditions: { ready: true } }]);
  const service = (name: string, spec: object): void => {
    cluster.api.put({ apiVersion: "v1", kind: "Service", metadata: { name, namespace: "demo" }, spec });
  };
  service("empty", {});
  service("outside", { type: "ExternalName", externalName: "example.com" });
  const services = ["echo", "outside", "gone", "empty", "no/name"].map(of);
  const { backends } = await backendFacts(await opened(cluster), services, STAYS);
  expect(backends.map(({ service: name, state, ready, all }) => [name, state, ready, all])).toEqual([
    ["echo", "Endpoints", 2, 3],
    ["empty", "Endpoints", 0, 0],
    ["gone", "NoService", 0, 0],
    ["no/name", "NoService", 0, 0],
    ["outside", "ByName", 0, 0],
  ]);
});

test("of very many Services the first hundred are looked at, and it is said", async () => {
  const cluster = await ProxyCluster.start();
  const services = Array.from({ length: 130 }, (_, index) => of(`s${index}`));
  const { backends, more } = await backendFacts(await opened(cluster), services, STAYS);
  expect([backends.length, more]).toEqual([100, 30]);
});
