import { describe, expect, test } from "vitest";
import type { ApiObject } from "../../test/fakes/api-server-store.ts";
import type { ApiCall } from "../../test/fakes/api-call.ts";
import { kubeBench } from "../../test/fakes/kube-bench.ts";
import type { Gathered } from "../gather/gather.ts";
import { ApiError } from "../kube/api-error.ts";
import type { KubeObject } from "../kube/kinds.ts";
import { packer } from "../platform/packer.ts";
import type { Failure } from "../refusals.ts";
import type { Manifest } from "../render/manifest.ts";
import { namesOf } from "../render/names.ts";
import { Contents } from "../watch/contents.ts";
import { Replicas } from "./replicas.ts";
import { Writer } from "./writer.ts";

const OWNER = { namespace: "demo", name: "chat", uid: "proxy-uid" };
const NAMES = namesOf("chat", packer.hash);
const { signal } = new AbortController();
const LABEL = "wsproxy.dev/proxy";

function manifest(kind: string, name = "wsproxy-chat", more: object = {}): Manifest {
  const ownerReferences = [
    { apiVersion: "wsproxy.dev/v1alpha1", kind: "WebSocketProxy", name: "chat", uid: OWNER.uid },
  ];
  const metadata = { name, namespace: "demo", labels: { [LABEL]: "wsproxy-chat" }, ownerReferences };
  const apiVersion = kind === "Deployment" ? "apps/v1" : kind === "NetworkPolicy" ? "networking.k8s.io/v1" : "v1";
  return { apiVersion, kind, metadata, ...more } as unknown as Manifest;
}

/** A writer that sees the API server itself as its cache. */
async function bench() {
  const { server, client, clock } = await kubeBench();
  const ofKind = (kind: string): ApiObject[] => server.store.all().filter((object) => object.kind === kind);
  const own = {
    get: (kind: string, namespace: string, name: string) => server.get(kind, namespace, name) as KubeObject | undefined,
    ofProxy: (kind: string, _: string, label: string) =>
      ofKind(kind).filter(({ metadata }) => metadata.labels?.[LABEL] === label),
    wrote: () => {},
  };
  const contents = new Contents(client);
  const writer = new Writer(client, own, contents, new Replicas(client, clock));
  const gathered = (): Gathered =>
    ({
      owner: OWNER,
      names: NAMES,
      proxy: { metadata: { name: "chat", namespace: "demo" } },
      data: new Map(
        ["Secret", "ConfigMap"].flatMap((kind) =>
          ofKind(kind).map((it) => [`${kind} ${it.metadata.name}`, it] as const),
        ),
      ),
    }) as unknown as Gathered;
  const writes = (): string[] =>
    server.writes.map(({ method, path }) => `${method} ${path.replace(/^.*\/namespaces\/demo\//, "")}`);
  return {
    server,
    writes,
    apply: (manifests: readonly Manifest[], before: readonly Failure[] = []) =>
      writer.apply(gathered(), manifests, before, signal),
    prune: (manifests: readonly Manifest[], prunable: readonly string[], before: readonly Failure[] = []) =>
      writer.prune(gathered(), { manifests, prunable, serving: undefined, problem: undefined }, before, signal),
  };
}

const to =
  (plural: string) =>
  ({ method, path }: ApiCall): boolean =>
    method !== "GET" && path.includes(`/${plural}/`);
const FORBIDDEN = { status: 403, reason: "Forbidden" };

describe("manifests", () => {
  test("are applied in their order, each once: what is as it should be is not written again", async () => {
    const { apply, writes } = await bench();
    const all = [
      manifest("Secret", "wsproxy-chat-config-0", { data: { a: "YQ==" } }),
      manifest("ConfigMap", "wsproxy-chat-endpoints", { data: { a: "1" } }),
      manifest("ServiceAccount"),
      manifest("Deployment", "wsproxy-chat", { spec: { replicas: 2 } }),
    ];
    expect(await apply(all)).toEqual({ written: all, failures: [] });
    const first = writes();
    expect(first).toEqual([
      "PATCH secrets/wsproxy-chat-config-0",
      "PATCH configmaps/wsproxy-chat-endpoints",
      "PATCH serviceaccounts/wsproxy-chat",
      "PATCH deployments/wsproxy-chat",
    ]);
    expect(await apply(all)).toEqual({ written: [], failures: [] });
    const scaled = manifest("Deployment", "wsproxy-chat", { spec: { replicas: 3 } });
    expect(await apply([...all.slice(0, 3), scaled])).toEqual({ written: [scaled], failures: [] });
    expect(writes().slice(4)).toEqual(["PATCH deployments/wsproxy-chat"]);
  });

  test("that another writer changed are applied again", async () => {
    const { apply, server, writes } = await bench();
    const deployment = manifest("Deployment", "wsproxy-chat", { spec: { replicas: 2 } });
    await apply([deployment]);
    server.put({ ...server.get("Deployment", "demo", "wsproxy-chat"), spec: { replicas: 9 } } as ApiObject);
    expect((await apply([deployment])).written).toEqual([deployment]);
    expect(writes()).toHaveLength(2);
  });
});

describe("an object that the API server refuses", () => {
  test("leaves the others to be written, and is a failure by its name", async () => {
    const { apply, server } = await bench();
    server.fail(to("deployments"), FORBIDDEN);
    const [deployment, service] = [manifest("Deployment"), manifest("Service")];
    const { written, failures } = await apply([deployment, service]);
    expect(written).toEqual([service]);
    expect(failures).toMatchObject([{ kind: "Deployment", name: "wsproxy-chat", error: { status: 403 } }]);
  });

  test("holds up what waits for it: pods for their NetworkPolicy, the last Secret for the others", async () => {
    const { apply, server, writes } = await bench();
    server.fail(to("networkpolicies"), FORBIDDEN);
    await apply([manifest("NetworkPolicy"), manifest("Deployment"), manifest("Service")]);
    expect(writes()).toEqual(["PATCH networkpolicies/wsproxy-chat", "PATCH services/wsproxy-chat"]);
    server.fail(to("secrets"), FORBIDDEN);
    const { failures } = await apply([manifest("Secret", "config-1"), manifest("Secret", "config-0")]);
    expect(failures.map(({ name }) => name)).toEqual(["config-1"]);
    expect((await apply([manifest("Deployment")], failures)).written).toEqual([]);
  });

  test("since another writer's object has its name is left alone", async () => {
    const { apply, server, writes } = await bench();
    server.put({ apiVersion: "v1", kind: "Service", metadata: { name: "wsproxy-chat", namespace: "demo" } });
    const { failures } = await apply([manifest("Service")]);
    expect(failures).toMatchObject([{ kind: "Service", error: { reason: "ForeignObject" } }]);
    expect(writes()).toEqual([]);
  });
});

test.each([
  ["that does not know the operator", { status: 401, reason: "Unauthorized" }],
  ["that asks to be left alone", { status: 429, reason: "TooManyRequests" }],
  ["that is not reached", "reset"],
] as const)("an API server %s ends the pass: nothing else is tried", async (_, fault) => {
  const { apply, server, writes } = await bench();
  server.fail(to("serviceaccounts"), fault, 10);
  await expect(apply([manifest("ServiceAccount"), manifest("Service")])).rejects.toBeInstanceOf(ApiError);
  expect(writes().every((write) => write.includes("serviceaccounts"))).toBe(true);
});

describe("objects of the proxy without a manifest", () => {
  const left = [manifest("Secret", "wsproxy-chat-config-1"), manifest("Service", "wsproxy-chat-old")];

  test("are deleted if their kind is prunable, and only then", async () => {
    const { prune, server, writes } = await bench();
    for (const object of left) server.put(object as unknown as ApiObject);
    expect(await prune([manifest("Secret", "wsproxy-chat-config-0")], ["Secret"])).toEqual([]);
    expect(writes()).toEqual(["DELETE secrets/wsproxy-chat-config-1"]);
  });

  test("stay while an object of their kind could not be written, while they have a manifest, and if they are another proxy's", async () => {
    const { prune, server, writes } = await bench();
    for (const object of left) server.put(object as unknown as ApiObject);
    const other = manifest("Secret", "wsproxy-chat-config-2");
    const ownerReferences = [{ apiVersion: "v1", kind: "WebSocketProxy", name: "chat", uid: "an-earlier-proxy" }];
    server.put({ ...other, metadata: { ...other.metadata, ownerReferences } });
    const error = new ApiError({ path: "/x" }, 403, "Forbidden", "no");
    const failed = { kind: "Service", name: "wsproxy-chat", error };
    expect(await prune([left[0] as Manifest], ["Secret", "Service"], [failed])).toEqual([]);
    expect(writes()).toEqual([]);
  });

  test("that may not be deleted are failures, and the others go", async () => {
    const { prune, server, writes } = await bench();
    for (const object of left) server.put(object as unknown as ApiObject);
    server.fail("DELETE", FORBIDDEN);
    const failures = await prune([], ["Secret", "Service"]);
    expect(failures).toMatchObject([{ kind: "Secret", name: "wsproxy-chat-config-1", error: { status: 403 } }]);
    expect(writes().at(-1)).toBe("DELETE services/wsproxy-chat-old");
  });
});
