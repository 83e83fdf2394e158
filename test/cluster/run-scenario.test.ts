import { EventEmitter } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Cluster } from "./cluster.ts";
import type { BuiltImage } from "./image.ts";
import type { Provider } from "./provider.ts";
import { runScenario, type Outcome } from "./run-scenario.ts";
import { scenario } from "./scenario.ts";
import { Strays } from "./strays.ts";

const never = (cluster: Cluster): Promise<void> => cluster.until("never", () => Promise.resolve(false));

let folder: string;
let source: EventEmitter;
let unclaimed: unknown[];
let strays: Strays;
let stop: AbortController;
let logs: () => Promise<void>;

beforeEach(async () => {
  vi.spyOn(console, "error").mockReturnValue(undefined); // a scenario that fails says why
  folder = await mkdtemp(join(tmpdir(), "wsproxy-run-"));
  // Of a cluster that is gone.
  const cluster = { name: "gone", cluster: { server: "https://127.0.0.1:1" } };
  const context = { name: "gone", context: { cluster: "gone", user: "" } };
  const config = { apiVersion: "v1", kind: "Config", clusters: [cluster], contexts: [context] };
  await writeFile(join(folder, "kubeconfig"), JSON.stringify({ ...config, "current-context": "gone" }));
  source = new EventEmitter();
  unclaimed = [];
  strays = new Strays(source, (error) => unclaimed.push(error));
  stop = new AbortController();
  logs = () => Promise.resolve();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

function runs(run: (cluster: Cluster) => Promise<void>, minutes = 1): Promise<Outcome> {
  const provider = { name: "fake", kubeconfig: join(folder, "kubeconfig"), logs: () => logs() } as unknown as Provider;
  const surroundings = { provider, image: {} as BuiltImage, folder, stop: stop.signal, strays };
  return runScenario({ name: "one", needs: [], ...scenario("is run", run, { minutes }) }, surroundings);
}

test("a scenario that ends has no failure, and its ledger is kept", async () => {
  const { failure } = await runs(() => Promise.resolve());
  expect(failure).toBeUndefined();
  expect(await readdir(folder)).toContain("one.ledger.jsonl");
});

test("an error that no code catches fails the scenario that runs, and no other", async () => {
  const stray = new Error("thrown into the void");
  const cutOff = runs(never);
  source.emit("unhandledRejection", stray);
  expect((await cutOff).failure).toBe(stray);
  expect((await runs(() => Promise.resolve())).failure).toBeUndefined();
  expect(unclaimed).toEqual([]);
});

test("an error during the clean-up fails the scenario too", async () => {
  const stray = new Error("too late for its steps");
  const { failure } = await runs(async (cluster) => {
    cluster.onEnd(async () => void source.emit("uncaughtException", stray));
  });
  expect(failure).toBe(stray);
  source.emit("uncaughtException", stray);
  expect(unclaimed).toEqual([stray]);
});

test("a scenario that is cut off stops waiting, and is cleaned up when it has stopped", async () => {
  const order: string[] = [];
  const kept = Promise.withResolvers<void>();
  logs = async () => kept.resolve();
  const { failure } = await runs(async (cluster) => {
    cluster.onEnd(async () => void order.push("cleared away"));
    await cluster.until("never", () => Promise.resolve(false)).catch(() => order.push("cut off"));
    await cluster.until("at once", () => Promise.resolve(true)).catch(() => order.push("as well"));
    await kept.promise;
    await sleep(50); // what is under way takes its time
    order.push("stopped");
  }, 0.001);
  expect(String(failure)).toContain("one took more than 0.001 minutes");
  expect(order).toEqual(["cut off", "as well", "stopped", "cleared away"]);
});

test("a call is repeated while the API server does not answer; any other error is thrown at once", async () => {
  let asked = 0;
  const { failure } = await runs(async (cluster) => {
    await cluster.until("the third try", async () => (asked += 1) === 3 || cluster.api.request({ path: "/version" }));
    await cluster.until("never", () => Promise.reject(new Error("is not so")));
  });
  expect(asked).toBe(3);
  expect(String(failure)).toBe("Error: is not so");
});

test("clean-up may wait, and one failing step stops no other", async () => {
  const order: string[] = [];
  const { failure } = await runs(async (cluster) => {
    cluster.onEnd(async () => void order.push("first made"));
    cluster.onEnd(() => Promise.reject(new Error("it does not go")));
    let looks = 0;
    cluster.onEnd(() =>
      cluster.until("the third look", async () => (looks += 1) === 3).then(() => void order.push("waited")),
    );
  });
  expect(order).toEqual(["waited", "first made"]);
  expect(failure).toBeInstanceOf(AggregateError);
});

test("a failure is reported even where no artefact of it can be kept", async () => {
  const wrong = new Error("is not so");
  logs = () => Promise.reject(new Error("no logs"));
  await writeFile(join(folder, "one"), "a file where the folder would be");
  expect((await runs(() => Promise.reject(wrong))).failure).toBe(wrong);
});
