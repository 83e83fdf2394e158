import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { KubeClient } from "../../operator/kube/client.ts";
import { systemClock } from "../../runtime/clock.ts";
import type { ApiObject } from "../fakes/api-server-store.ts";
import { DyingClient } from "../fakes/dying-client.ts";
import { ADMIN_TOKEN } from "../fakes/golden-case.ts";
import { keys, OperatorBench, proxy, putAll, slice } from "../fakes/operator-bench.ts";
import { until } from "../fakes/sockets.ts";

// An operator is killed after any of its writes. The next one brings about the same as if
// nothing had happened, and what was said once is not said again.

/** Each of the operators would make a token of its own; what they bring about is compared. */
const newToken = (): string => ADMIN_TOKEN;

interface Scenario {
  readonly name: string;
  /** The objects that an operator has made before. */
  readonly before: (bench: OperatorBench) => void;
  /** What the operator that is killed works on. */
  readonly change: (bench: OperatorBench) => void;
}

const sidecar = { mode: "Sidecar", sidecar: { selector: { matchLabels: { app: "chat" } } } };

function edit(bench: OperatorBench, spec: Record<string, unknown>): void {
  bench.server.put({ ...bench.server.get("WebSocketProxy", "demo", "chat"), ...proxy("chat", spec) });
}

/** Keys of clients with names so long that the config takes two Secrets. */
function manyKeys(bench: OperatorBench): void {
  const random = (seed: number): string => createHash("sha512").update(String(seed)).digest("base64url");
  const entries = Array.from({ length: 6000 }, (_, at) => {
    const client = [0, 1, 2].map((part) => random(at * 3 + part)).join("");
    return [client.slice(0, 250), `key-${at}-${random(at)}`];
  });
  bench.server.put(keys(Object.fromEntries(entries), "many"));
}

const SCENARIOS: readonly Scenario[] = [
  { name: "a new proxy", before: () => {}, change: ({ server }) => putAll(server) },
  {
    name: "keys and endpoints that change",
    before: ({ server }) => putAll(server),
    change: ({ server }) => {
      server.put(keys({ bob: "bobs-quite-own-key-2" }));
      server.put(slice(["10.0.0.7"]));
    },
  },
  {
    name: "a proxy that is edited to mode Sidecar",
    before: ({ server }) => putAll(server),
    change: (bench) => edit(bench, sidecar),
  },
  {
    name: "a proxy whose every part grows",
    before: ({ server }) => putAll(server),
    change: (bench) => {
      manyKeys(bench);
      edit(bench, { gateway: { replicas: 3, service: { port: 8000 } }, listener: { port: 8001 } });
    },
  },
  {
    name: "a config that shrinks to one Secret",
    before: (bench) => {
      putAll(bench.server);
      manyKeys(bench);
    },
    change: ({ server }) => server.delete("Secret", "demo", "many"),
  },
];

describe.each(SCENARIOS)("an operator that is killed while it works on $name", ({ before, change }) => {
  test("is followed by one that finishes the work, after each of its writes", async () => {
    const whole = await run({ before, change, name: "" }, Number.POSITIVE_INFINITY);
    expect(whole.writes).toBeGreaterThan(1);
    for (let last = 0; last < whole.writes; last += 1) {
      const { objects, events } = await run({ before, change, name: "" }, last);
      expect(objects, `killed after write ${last}`).toEqual(whole.objects);
      expect(new Set(events).size, `an event twice, killed after write ${last}`).toBe(events.length);
    }
  }, 60_000);
});

/** Lets an operator die after so many writes, then another one work until it is done. */
async function run(
  { before, change }: Scenario,
  last: number,
): Promise<{ writes: number; objects: unknown; events: string[] }> {
  const bench = await OperatorBench.start();
  before(bench);
  const first = bench.operator({ newToken });
  await bench.quiet(60);
  await first.stop();
  const eventsBefore = eventsOf(bench).length;
  change(bench);
  const client = new DyingClient(new KubeClient(bench.server.kubeConfig(), systemClock), last);
  const killed = bench.operator({ client, newToken });
  if (Number.isFinite(last)) await until("it is dead", () => client.dead);
  else await bench.quiet(60);
  await killed.stop();
  const next = bench.operator({ newToken });
  await bench.quiet(60);
  const writes = bench.server.writes.length;
  await next.stop();
  const idle = bench.operator({ newToken });
  await bench.quiet(60);
  await idle.stop();
  expect(bench.server.writes.length, "nothing is left to do").toBe(writes);
  return { writes: client.writes, objects: objectsOf(bench), events: eventsOf(bench).slice(eventsBefore) };
}

const KINDS = ["WebSocketProxy", "Secret", "ConfigMap", "ServiceAccount", "NetworkPolicy"] as const;
const MORE = ["PodDisruptionBudget", "Deployment", "Service", "Pod"] as const;

/** All objects, without the fields that say when and how often they were written. */
function objectsOf(bench: OperatorBench): unknown {
  const all = bench.server.store.all().filter(({ kind }) => [...KINDS, ...MORE].some((known) => known === kind));
  return Object.fromEntries(all.map((object) => [`${object.kind} ${object.metadata.name}`, timeless(object)]));
}

function timeless(object: ApiObject): unknown {
  const text = JSON.stringify(object, (key, value: unknown) =>
    ["resourceVersion", "generation", "lastTransitionTime", "creationTimestamp", "uid"].includes(key)
      ? undefined
      : value,
  );
  return JSON.parse(text);
}

function eventsOf(bench: OperatorBench): string[] {
  return bench.server.store
    .all()
    .filter(({ kind }) => kind === "Event")
    .map(({ reason, note }) => `${String(reason)} ${String(note)}`);
}
