import { describe, expect, test } from "vitest";
import { managedBy } from "../../test/fakes/deployment-replicas.ts";
import { kubeBench } from "../../test/fakes/kube-bench.ts";
import type { ApiObject } from "../../test/fakes/api-server-store.ts";
import { FIELD_MANAGER, REPLICAS_MANAGER } from "../kube/field-manager.ts";
import { replicaOwners } from "./replica-owners.ts";
import { Replicas, type Settling } from "./replicas.ts";

const { signal } = new AbortController();

/** A Deployment with a number of pods and the writers that own it. */
async function bench(replicas: number, ...owners: string[]) {
  let most = 1000;
  const { server, client, clock } = await kubeBench((object) => {
    const { spec } = object as unknown as { spec: { replicas: number } };
    return { ...object, spec: { ...spec, replicas: Math.min(most, spec.replicas) } };
  });
  const live = server.put({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "wsproxy-chat", namespace: "demo", managedFields: managedBy(...owners) },
    spec: { replicas, template: {} },
  });
  const all = new Replicas(client, clock);
  const now = (): string => {
    const object = server.get("Deployment", "demo", "wsproxy-chat") as ApiObject & { spec: { replicas: number } };
    const fields = object.metadata["managedFields"] as { manager: string }[];
    return `${object.spec.replicas}: ${fields.map(({ manager }) => manager).join(", ")}`;
  };
  return {
    server,
    now,
    /** From now on an admission webhook allows no more pods. */
    cap: (pods: number) => void (most = pods),
    settle: (more: Partial<Settling>) =>
      all.settle({ proxy: "demo/chat", live, wanted: undefined, known: replicas, applies: true, ...more }, signal),
    remarks: () => all.remarks("demo/chat"),
  };
}

describe("before an apply of the rest", () => {
  test("a number that only the main apply owns gets a second owner, with the number that is there", async () => {
    const { settle, now, server } = await bench(2, FIELD_MANAGER);
    expect(await settle({})).toMatchObject({ spec: { replicas: 2, template: {} } });
    expect(now()).toBe(`2: ${FIELD_MANAGER}, ${REPLICAS_MANAGER}`);
    expect(server.writes).toHaveLength(1);
  });

  test.each([
    ["an autoscaler", ["kube-controller-manager"]],
    ["our second manager", [REPLICAS_MANAGER]],
    ["two writers, ours among them", [FIELD_MANAGER, "kubectl"]],
    ["no writer", []],
  ])("a number that %s owns is left alone", async (_, owners) => {
    const { settle, now } = await bench(7, ...owners);
    expect(await settle({})).toBeUndefined();
    expect(now()).toBe(`7: ${owners.join(", ")}`);
  });

  test("a Deployment that is another one by now is left alone", async () => {
    const { settle, now } = await bench(2, FIELD_MANAGER);
    const live = { metadata: { name: "wsproxy-chat", namespace: "demo", uid: "an-earlier-one" } };
    expect(await settle({ live, wanted: 5 })).toBeUndefined();
    expect(now()).toBe(`2: ${FIELD_MANAGER}`);
  });
});

describe("a number of the spec", () => {
  test("is written where the Deployment has another one, and asks for no call where it has the same", async () => {
    const { settle, now, server } = await bench(2, REPLICAS_MANAGER);
    const before = server.calls.length;
    expect(await settle({ wanted: 2, applies: false })).toBeUndefined();
    expect(server.calls.length).toBe(before);
    await settle({ wanted: 5, applies: false });
    expect(now()).toBe(`5: ${REPLICAS_MANAGER}`);
  });

  test("is written back over another writer's; the third time it is told, and the fourth has to wait", async () => {
    const { settle, now, server, remarks } = await bench(5, REPLICAS_MANAGER);
    const scale = (replicas: number): void => {
      const ours = server.get("Deployment", "demo", "wsproxy-chat") as ApiObject;
      const metadata = { ...ours.metadata, managedFields: managedBy("keda") };
      server.put({ ...ours, metadata, spec: { ...(ours["spec"] as object), replicas } });
    };
    for (const replicas of [0, 8, 9]) {
      expect(remarks()).toEqual([]);
      scale(replicas);
      await settle({ wanted: 5, known: replicas, applies: false });
      expect(now()).toBe(`5: ${REPLICAS_MANAGER}`);
    }
    expect(remarks()).toEqual([expect.stringContaining("keda")]);
    scale(9);
    expect(await settle({ wanted: 5, known: 9 })).toBeUndefined();
    expect(now()).toBe("9: keda");
    await settle({});
    expect(remarks()).toEqual([]);
  });
});

test("a number that an admission webhook changes is written ever more slowly, and the status says so", async () => {
  const { settle, now, server, remarks, cap } = await bench(2, REPLICAS_MANAGER);
  cap(3);
  for (let at = 0; at < 5; at += 1) await settle({ wanted: 5, known: 3, applies: false });
  expect(server.writes).toHaveLength(3);
  expect(remarks()).toEqual([expect.stringContaining(": an admission webhook. ")]);
  expect(now()).toBe(`3: ${REPLICAS_MANAGER}`);
});

test("while a number may not be written back, a main apply still cannot reset it", async () => {
  const { settle, now, server, cap } = await bench(3, REPLICAS_MANAGER);
  cap(3);
  for (let at = 0; at < 3; at += 1) await settle({ wanted: 5, known: 3, applies: false });
  const ours = server.get("Deployment", "demo", "wsproxy-chat") as ApiObject;
  server.put({ ...ours, metadata: { ...ours.metadata, managedFields: managedBy(FIELD_MANAGER) } });
  await settle({ wanted: 5, known: 3 });
  expect(now()).toBe(`3: ${FIELD_MANAGER}, ${REPLICAS_MANAGER}`);
});

test.each<[string, object | undefined, ReturnType<typeof replicaOwners>]>([
  ["none", undefined, { mainAlone: false, other: "a writer without a name" }],
  [
    "a status writer",
    [entry("x", "Update", "status", "a", {})],
    { mainAlone: false, other: "a writer without a name" },
  ],
  ["malformed ones", [null, 1, { fieldsV1: 1 }], { mainAlone: false, other: "a writer without a name" }],
  ["ours", [entry(FIELD_MANAGER, "Apply")], { mainAlone: true, other: undefined }],
  ["ours, by an update", [entry(FIELD_MANAGER, "Update")], { mainAlone: false, other: undefined }],
  [
    "several",
    [entry("old", "Update", "scale", "2026-01-01T00:00:00Z"), entry("new", "Update", "", "2026-01-02T00:00:00Z")],
    { mainAlone: false, other: "new" },
  ],
])("owners by managedFields with %s", (_, managedFields, owners) => {
  const metadata = { name: "wsproxy-chat", managedFields };
  expect(replicaOwners({ metadata })).toEqual(owners);
});

function entry(manager: string, operation: string, subresource = "", time = "", fields: object = { "f:replicas": {} }) {
  return { manager, operation, subresource, time, fieldsV1: { "f:spec": fields } };
}
