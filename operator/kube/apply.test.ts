import { describe, expect, test } from "vitest";
import { kubeBench } from "../../test/fakes/kube-bench.ts";
import { apply, applyStatus, remove, type Applicable } from "./apply.ts";
import { KINDS, pathOf } from "./kinds.ts";

const { signal } = new AbortController();
const manifest = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "wsproxy-chat", namespace: "demo" },
} satisfies Applicable;
const PATH = "/apis/apps/v1/namespaces/demo/deployments/wsproxy-chat";

describe("an apply", () => {
  test("sends the object as it is, forced, under our one field manager", async () => {
    const { server, client } = await kubeBench();
    expect(await apply(client, manifest, signal)).toMatchObject({ metadata: { uid: "uid-1", generation: 1 } });
    const [call] = server.calls;
    expect(call).toMatchObject({ method: "PATCH", path: PATH, body: manifest });
    expect(call?.query).toEqual({ fieldManager: "wsproxy-operator", force: "true" });
    expect(call?.headers["content-type"]).toBe("application/apply-patch+yaml");
  });

  test("of a kind that is not in KINDS throws", async () => {
    const { client } = await kubeBench();
    expect(() => apply(client, { ...manifest, kind: "toString" }, signal)).toThrow("knows no kind toString");
  });

  test.each([409, 422, 429, 500])("that the server refuses with %d fails with that status", async (status) => {
    const { server, client } = await kubeBench();
    server.fail("PATCH", { status });
    await expect(apply(client, manifest, signal)).rejects.toMatchObject({ status });
  });
});

describe("a status", () => {
  const status = { ...manifest, status: { ready: true } };

  test("is an apply of its own, to the status subresource", async () => {
    const { server, client } = await kubeBench();
    server.put(manifest);
    await applyStatus(client, status, signal);
    expect(server.calls[0]).toMatchObject({ method: "PATCH", path: `${PATH}/status`, body: status });
    expect(server.calls[0]?.query).toEqual({ fieldManager: "wsproxy-operator", force: "true" });
    expect(server.get("Deployment", "demo", "wsproxy-chat")).toMatchObject({ status: { ready: true } });
  });

  test("of an object that is gone is no failure; every other error is", async () => {
    const { server, client } = await kubeBench();
    await applyStatus(client, status, signal);
    server.fail("PATCH", { status: 409 });
    await expect(applyStatus(client, status, signal)).rejects.toMatchObject({ status: 409 });
  });
});

describe("a removal", () => {
  test("deletes the object that was given, and no later one of its name", async () => {
    const { server, client } = await kubeBench();
    const first = server.put(manifest);
    server.delete("Deployment", "demo", "wsproxy-chat");
    server.put(manifest);
    await remove(client, KINDS.Deployment, first, signal);
    expect(server.get("Deployment", "demo", "wsproxy-chat")?.metadata.uid).toBe("uid-2");
    expect(server.calls[0]).toMatchObject({ method: "DELETE", path: PATH });
    expect(server.calls[0]?.body).toEqual({ propagationPolicy: "Background", preconditions: { uid: "uid-1" } });
    const second = server.get("Deployment", "demo", "wsproxy-chat");
    if (second === undefined) throw new Error("it is gone");
    await remove(client, KINDS.Deployment, second, signal);
    expect(server.get("Deployment", "demo", "wsproxy-chat")).toBeUndefined();
    await remove(client, KINDS.Deployment, second, signal);
  });

  test("that the server refuses fails", async () => {
    const { server, client } = await kubeBench();
    const object = server.put(manifest);
    server.fail("DELETE", { status: 403 });
    await expect(remove(client, KINDS.Deployment, object, signal)).rejects.toMatchObject({ status: 403 });
  });
});

describe("a path", () => {
  test("is that of the kind's group, over all namespaces or in one", () => {
    expect(pathOf(KINDS.Secret)).toBe("/api/v1/secrets");
    expect(pathOf(KINDS.WebSocketProxy, "demo")).toBe("/apis/wsproxy.dev/v1alpha1/namespaces/demo/websocketproxies");
    expect(pathOf(KINDS.Secret, "demo", "a.b-c")).toBe("/api/v1/namespaces/demo/secrets/a.b-c");
  });

  test.each(["../../other/secrets/x", "..", ".", "", "a/b", "a?b", "a%2fb", "A", "-a", "a-", "x".repeat(254)])(
    "never leads elsewhere: %j is no name",
    (name) => {
      expect(() => pathOf(KINDS.Secret, "demo", name)).toThrow("cannot be the name of an object");
      expect(() => pathOf(KINDS.Secret, name)).toThrow("cannot be the name of an object");
    },
  );
});
