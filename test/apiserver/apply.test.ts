import { describe, expect, test } from "vitest";
import { apply, applyStatus, remove, type Applicable } from "../../operator/kube/apply.ts";
import { FIELD_MANAGER } from "../../operator/kube/field-manager.ts";
import type { Caller } from "../../operator/kube/call.ts";
import { Recorder } from "../../operator/kube/events.ts";
import { KINDS, kindOf, pathOf, type KubeObject } from "../../operator/kube/kinds.ts";
import { unchanged } from "../../operator/kube/unchanged.ts";
import { systemClock } from "../../runtime/clock.ts";
import { recordedLog } from "../fakes/kube-bench.ts";
import { newNamespace, read, sharedClient } from "./bench.ts";
import { manifests } from "./manifests.ts";

const { signal } = new AbortController();

type ConfigMap = KubeObject & { readonly data?: Record<string, string> };

function configMap(
  namespace: string,
  data: Record<string, string>,
  labels: Record<string, string> = {},
): Applicable & { readonly data: Record<string, string> } {
  const metadata = { name: "a", namespace, labels };
  return { apiVersion: "v1", kind: "ConfigMap", metadata, data };
}

/** An apply by another field manager. */
function applyAs(client: Caller, fieldManager: string, manifest: Applicable, force = false): Promise<KubeObject> {
  const { namespace, name } = manifest.metadata;
  return client.request({
    method: "PATCH",
    path: pathOf(kindOf(manifest.kind), namespace, name),
    query: { fieldManager, force },
    contentType: "application/apply-patch+yaml",
    body: manifest,
  });
}

describe("an apply", () => {
  test("takes what others own by force, drops what it no longer names, and leaves the rest to others", async () => {
    const client = sharedClient();
    const namespace = await newNamespace(client);
    await apply(client, configMap(namespace, { a: "1", b: "1" }, { ours: "1" }), signal);
    await applyAs(client, "another", configMap(namespace, { b: "2", c: "2" }, { theirs: "2" }), true);
    await apply(client, configMap(namespace, { b: "3" }), signal);
    const { data, metadata } = await read<ConfigMap>(client, "ConfigMap", namespace, "a");
    expect(data).toEqual({ b: "3", c: "2" });
    expect(metadata.labels).toEqual({ theirs: "2" });
    await expect(applyAs(client, "another", configMap(namespace, { b: "4" }))).rejects.toMatchObject({ status: 409 });
    await expect(read<ConfigMap>(client, "ConfigMap", namespace, "a")).resolves.toMatchObject({ data: { b: "3" } });
  });

  test("of an unchanged manifest changes nothing", async () => {
    const client = sharedClient();
    const namespace = await newNamespace(client);
    const first = await apply(client, configMap(namespace, { a: "1" }), signal);
    const second = await apply(client, configMap(namespace, { a: "1" }), signal);
    expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    expect(JSON.stringify(second)).toContain(`"manager":"${FIELD_MANAGER}"`);
  });
});

test.each(manifests("any").map(({ kind }) => kind))(
  "a %s that was applied is as its manifest says, defaults and all",
  async (kind) => {
    const client = sharedClient();
    const namespace = await newNamespace(client);
    const manifest = manifests(namespace).find((one) => one.kind === kind);
    if (manifest === undefined) throw new Error(kind);
    await apply(client, manifest, signal);
    const { name } = manifest.metadata;
    const live = await client.request<KubeObject>({ path: pathOf(kindOf(kind), namespace, name) });
    expect(unchanged(manifest, live)).toBe(true);
    expect(JSON.stringify(live).length).toBeGreaterThan(JSON.stringify(manifest).length);
    const touched = { ...manifest, metadata: { ...manifest.metadata, labels: { app: "other" } } };
    expect(unchanged(touched, live)).toBe(false);
  },
);

describe("a status", () => {
  const status = (namespace: string, uid?: string) => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "wsproxy-chat", namespace, ...(uid === undefined ? {} : { uid }) },
    status: { observedGeneration: 1, replicas: 2 },
  });

  test("is written beside the spec, and touches nothing else", async () => {
    const client = sharedClient();
    const namespace = await newNamespace(client);
    const [deployment] = manifests(namespace);
    if (deployment === undefined) throw new Error("no deployment");
    const { metadata } = await apply(client, deployment, signal);
    await applyStatus(client, status(namespace, metadata.uid), signal);
    const live = await read<KubeObject & { status: unknown }>(client, "Deployment", namespace, "wsproxy-chat");
    expect(live.status).toEqual({ observedGeneration: 1, replicas: 2 });
    expect(live.metadata.generation).toBe(1);
    expect(unchanged(deployment, live)).toBe(true);
  });

  test("of a deleted object is no failure, and of another object by its name is refused", async () => {
    const client = sharedClient();
    const namespace = await newNamespace(client);
    await applyStatus(client, status(namespace), signal);
    const [deployment] = manifests(namespace);
    if (deployment === undefined) throw new Error("no deployment");
    await apply(client, deployment, signal);
    const other = "00000000-0000-4000-8000-000000000000";
    await expect(applyStatus(client, status(namespace, other), signal)).rejects.toMatchObject({ status: 422 });
  });
});

test("a removal spares another object by the same name", async () => {
  const client = sharedClient();
  const namespace = await newNamespace(client);
  const first = await apply(client, configMap(namespace, {}), signal);
  await remove(client, KINDS.ConfigMap, first, signal);
  const second = await apply(client, configMap(namespace, {}), signal);
  await remove(client, KINDS.ConfigMap, first, signal);
  const live = await read<KubeObject>(client, "ConfigMap", namespace, "a");
  expect(live.metadata.uid).toBe(second.metadata.uid);
  await remove(client, KINDS.ConfigMap, live, signal);
  await expect(read(client, "ConfigMap", namespace, "a")).rejects.toMatchObject({ status: 404 });
});

test("events of any length are taken, and found with what they are about", async () => {
  const client = sharedClient();
  const namespace = await newNamespace(client);
  const { log, lines } = recordedLog();
  const recorder = new Recorder(client, "operator-1", systemClock, log);
  const names = ["chat", `${"x".repeat(199)}.${"y".repeat(40)}`];
  for (const name of names) {
    const object = {
      apiVersion: "wsproxy.dev/v1alpha1",
      kind: "WebSocketProxy",
      metadata: { name, namespace, uid: name },
    };
    await recorder.record(object, "Ready", { type: "Warning", reason: "Pending", note: "🙂".repeat(500) }, signal);
  }
  expect(lines).toEqual([]);
  const { items } = await client.request<{ items: { regarding: { name: string } }[] }>({
    path: pathOf(KINDS.Event, namespace),
  });
  expect(items.map(({ regarding }) => regarding.name).sort()).toEqual(names);
});
