import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { denyClient } from "../../cli/kick/deny-client.ts";
import type { ClusterTarget } from "../../cli/live/cluster/cluster-target.ts";
import { applyStatus } from "../../operator/kube/apply.ts";
import type { KubeClient } from "../../operator/kube/client.ts";
import { KINDS, pathOf, type KubeObject } from "../../operator/kube/kinds.ts";
import { newNamespace, read, sharedClient } from "./bench.ts";
import { CRD_FILE, installCrd } from "./crd.ts";

// The lists of `deny` are sets: each writer owns its entries.

const { signal } = new AbortController();

type Proxy = KubeObject & { readonly spec: { readonly policies?: object; readonly routes: readonly object[] } };

/** A client with a namespace of its own, where the CRD is installed. */
async function bench(): Promise<{ client: KubeClient; namespace: string }> {
  const client = sharedClient();
  await installCrd(client);
  return { client, namespace: await newNamespace(client) };
}

function manifest(namespace: string, clients: readonly string[], ofRoute: readonly string[]): object {
  const backends = [{ service: "echo", port: 80 }];
  return {
    apiVersion: "wsproxy.dev/v1alpha1",
    kind: "WebSocketProxy",
    metadata: { name: "chat", namespace },
    spec: {
      policies: { deny: { clients, addresses: ["10.0.0.0/8"] } },
      routes: [
        { name: "own", path: { value: "/own" }, backends, policies: { deny: { clients: ofRoute } } },
        { name: "inherits", path: { value: "/inherits" }, backends },
      ],
    },
  };
}

function applyAs(client: KubeClient, fieldManager: string, namespace: string, body: object): Promise<Proxy> {
  return client.request<Proxy>({
    method: "PATCH",
    path: pathOf(KINDS.WebSocketProxy, namespace, "chat"),
    query: { fieldManager, force: true },
    contentType: "application/apply-patch+yaml",
    body,
  });
}

function kick(client: KubeClient, namespace: string, whom: string): Promise<string> {
  const target = { client, namespace, proxy: "chat" } as unknown as ClusterTarget;
  return denyClient(target, whom, signal);
}

/** Clients that are denied: in spec.policies, and in the route with a deny of its own. */
async function denied(client: KubeClient, namespace: string): Promise<unknown> {
  const { spec } = await read<Proxy>(client, "WebSocketProxy", namespace, "chat");
  const at = (place: { deny?: { clients?: string[] } } | undefined): unknown => (place?.deny?.clients ?? []).toSorted();
  const [own, inherits] = spec.routes as { policies?: { deny?: { clients?: string[] } } }[];
  return [at(spec.policies), at(own?.policies), at(inherits?.policies)];
}

test("kick adds one entry after the other beside those of others, who go on to own theirs", async () => {
  const { client, namespace } = await bench();
  await applyAs(client, "gitops", namespace, manifest(namespace, ["eve"], ["mallory"]));
  expect(await kick(client, namespace, "alice")).toBe(
    "the client alice is refused from now on: it is in deny.clients of spec.policies and of the route own, which has a deny of its own",
  );
  await kick(client, namespace, 'b"ob\u001b/ü');
  const both = ["alice", 'b"ob\u001b/ü'];
  expect(await denied(client, namespace)).toEqual([[...both, "eve"], [...both, "mallory"], []]);
  await applyAs(client, "gitops", namespace, manifest(namespace, ["trudy"], []));
  expect(await denied(client, namespace)).toEqual([[...both, "trudy"], both, []]);
  expect(await kick(client, namespace, "alice")).toMatch(/^the client alice was refused already/);
});

test("an entry that stands twice is refused", async () => {
  const { client, namespace } = await bench();
  await expect(applyAs(client, "gitops", namespace, manifest(namespace, ["eve", "eve"], []))).rejects.toMatchObject({
    name: "ApiError",
  });
  const body = manifest(namespace, [], ["eve", "eve"]);
  const path = pathOf(KINDS.WebSocketProxy, namespace);
  await expect(client.request({ method: "POST", path, body })).rejects.toMatchObject({ status: 422 });
});

test("a resource from before the lists were sets may have one twice: status, edits and kick work as ever", async () => {
  const { client, namespace } = await bench();
  const whole = readFileSync(join(import.meta.dirname, CRD_FILE), "utf8");
  await installCrd(client, parse(whole.replaceAll(/^ *x-kubernetes-list-type: set\n/gm, "")) as object);
  try {
    const path = pathOf(KINDS.WebSocketProxy, namespace);
    await client.request({ method: "POST", path, body: manifest(namespace, ["eve", "eve"], ["eve", "bob", "eve"]) });
  } finally {
    await installCrd(client);
  }
  const status = { observedGeneration: 1 };
  const { apiVersion, kind, metadata } = manifest(namespace, [], []) as Parameters<typeof applyStatus>[1];
  await applyStatus(client, { apiVersion, kind, metadata, status }, signal);
  const path = pathOf(KINDS.WebSocketProxy, namespace, "chat");
  const patch = { spec: { dataplane: { maxConnections: 7 } } };
  const edited = await client.request<Proxy>({
    method: "PATCH",
    path,
    contentType: "application/merge-patch+json",
    body: patch,
  });
  expect(edited.spec).toMatchObject({ ...patch.spec, policies: { deny: { clients: ["eve", "eve"] } } });
  await kick(client, namespace, "alice");
  expect(await denied(client, namespace)).toEqual([["alice", "eve", "eve"], ["alice", "bob", "eve", "eve"], []]);
});
