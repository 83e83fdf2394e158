import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { isStatus } from "../../operator/kube/api-error.ts";
import type { KubeClient } from "../../operator/kube/client.ts";
import { list } from "../../operator/kube/collection.ts";
import { KINDS, keyOf, type KubeObject } from "../../operator/kube/kinds.ts";
import { Reflector, type ReflectorOptions } from "../../operator/kube/reflector.ts";
import { systemClock, type Clock } from "../../runtime/clock.ts";
import { recordedLog } from "../fakes/kube-bench.ts";
import { until } from "../fakes/sockets.ts";
import { clientOf, create, destroy, newNamespace } from "./bench.ts";
import { ControlPlane } from "./control-plane.ts";

// A control plane of its own: the test restarts its API server and changes its etcd.
let plane: ControlPlane;
beforeAll(async () => void (plane = await ControlPlane.start()));
afterAll(() => plane.stop());

const { signal } = new AbortController();

/** A clock on which waits between starts are five times as short. */
const hasty: Clock = {
  now: () => 5 * systemClock.now(),
  wall: () => systemClock.wall(),
  after: (ms, fn) => systemClock.after(ms / 5, fn),
};

interface Bench {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly reflector: Reflector<KubeObject>;
  readonly changes: string[];
  readonly lines: string[];
  readonly run: () => Promise<void>;
}

async function bench(options: Partial<ReflectorOptions<KubeObject>> = {}): Promise<Bench> {
  const client = clientOf(await plane.config());
  const namespace = await newNamespace(client);
  const changes: string[] = [];
  const { log, lines } = recordedLog();
  const reflector = new Reflector({
    client,
    kind: KINDS.ConfigMap,
    namespace,
    clock: hasty,
    random: Math.random,
    log,
    changed: (now, before) => void changes.push(`${now === undefined ? "-" : "+"}${(now ?? before)?.metadata.name}`),
    restarted: () => {},
    ...options,
  });
  const run = async (): Promise<void> => {
    const abort = new AbortController();
    const running = reflector.run(abort.signal);
    onTestFinished(() => {
      abort.abort();
      return running;
    });
    await reflector.whenSynced();
  };
  return { client, namespace, reflector, changes, lines, run };
}

/** Waits until the copy equals the objects of the API server. */
async function agrees({ client, namespace, reflector }: Bench): Promise<void> {
  const versions = (objects: Iterable<KubeObject>): string =>
    [...objects]
      .map((one) => `${keyOf(one)}@${one.metadata.resourceVersion}`)
      .sort()
      .join();
  const wanted = versions((await list(client, { kind: KINDS.ConfigMap, namespace }, signal)).items);
  await until("the copy is what is there", () => versions(reflector.objects.values()) === wanted, 30_000);
}

/** Repeats a call until the API server is reachable. */
async function insist(call: () => Promise<unknown>): Promise<void> {
  // 404 or 409: an earlier call took effect, and only its answer was lost.
  const done = (error: unknown): boolean => isStatus(error, 404) || isStatus(error, 409);
  await until("it was done", () => call().then(() => true, done), 30_000);
}

test("1,200 objects are read in pages, and what follows is seen", async () => {
  const its = await bench();
  const names = Array.from({ length: 1200 }, (_, index) => `map-${index}`);
  await Promise.all(
    Array.from({ length: 16 }, async (_, worker) => {
      for (const name of names.filter((__, index) => index % 16 === worker))
        await create(its.client, "ConfigMap", its.namespace, name, {});
    }),
  );
  await its.run();
  expect(its.reflector.objects.size).toBe(1200);
  await create(its.client, "ConfigMap", its.namespace, "one-more", {});
  await agrees(its);
  expect(its.changes).toHaveLength(1201);
});

test("while others write and the API server restarts, no event is missed and none is told twice", async () => {
  const its = await bench();
  await its.run();
  const enough = new AbortController();
  let written = 0;
  const writing = (async () => {
    while (!enough.signal.aborted) {
      const name = `map-${written}`;
      await insist(() => create(its.client, "ConfigMap", its.namespace, name, {}));
      if (written % 3 === 0) await insist(() => destroy(its.client, "ConfigMap", its.namespace, name));
      written += 1;
    }
  })();
  await until("some were written", () => written >= 20);
  await plane.stopApiServer();
  await plane.startApiServer();
  const before = written;
  await until("more were written", () => written >= before + 20, 30_000);
  enough.abort();
  await writing;
  await agrees(its);
  for (let index = 0; index < written; index += 1) {
    const told = its.changes.filter((change) => change.slice(1) === `map-${index}`).map(([sign]) => sign);
    // An object that came and went while no watch ran is not told at all.
    expect(index % 3 === 0 ? ["+-", ""] : ["+"], `map-${index}`).toContain(told.join(""));
  }
  expect(its.changes.length).toBeGreaterThan(40);
});

test("deletions during an outage are noticed, although etcd has compacted their revisions", async () => {
  const its = await bench();
  for (const name of ["a", "b", "c"]) await create(its.client, "ConfigMap", its.namespace, name, {});
  await its.run();
  await plane.stopApiServer("SIGKILL");
  await plane.etcd.delete(`/configmaps/${its.namespace}/b`);
  await plane.etcd.compact();
  await plane.startApiServer();
  await create(its.client, "ConfigMap", its.namespace, "d", {});
  await agrees(its);
  expect(its.changes).toEqual(["+a", "+b", "+c", "-b", "+d"]);
  expect(its.lines).toContain("info watch ended");
});

describe("Secrets by their metadata", () => {
  test("are listed and watched without their data", async () => {
    const its = await bench({ kind: KINDS.Secret, metadataOnly: true, labelSelector: "app=chat" });
    const secret = (name: string, labels: object): Promise<unknown> =>
      create(its.client, "Secret", its.namespace, name, {
        metadata: {
          labels,
          annotations: { "kubectl.kubernetes.io/last-applied-configuration": '{"data":{"key":"aGlkZGVu"}}' },
        },
        data: { key: "aGlkZGVu" },
      });
    await secret("a", { app: "chat" });
    await secret("other", {});
    await its.run();
    await secret("b", { app: "chat" });
    await until("both are there", () => its.reflector.objects.size === 2);
    expect([...its.reflector.objects.keys()]).toEqual([`${its.namespace}/a`, `${its.namespace}/b`]);
    for (const object of its.reflector.objects.values()) {
      expect(object).toMatchObject({ apiVersion: "v1", kind: "Secret", metadata: { labels: { app: "chat" } } });
      expect(JSON.stringify(object)).not.toMatch(/aGlkZGVu|managedFields/);
    }
    await destroy(its.client, "Secret", its.namespace, "a");
    await until("one is gone", () => its.reflector.objects.size === 1);
  });
});
