import { describe, expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import type { Container, Pod } from "../watch/pod.ts";
import { DataplanePods } from "./dataplane-pods.ts";
import type { PodAnswer, Question } from "./pod-report.ts";

const WANTED = { hash: "new-hash-0123456789", endpointsHash: "endpoints-0123456789" };
const TARGET = { proxy: "demo/chat", wanted: WANTED, generation: 2, token: "the token" };
const NEVER = new AbortController().signal;

const reports = (more: object): PodAnswer => ({ kind: "report", report: { proxy: "demo/chat", ...WANTED, ...more } });
const SERVES = reports({ generation: 2 });
const OLD = reports({ hash: "old", generation: 1 });
const SILENT: PodAnswer = { kind: "silent" };

interface Words {
  readonly ready?: boolean;
  readonly phase?: string;
  readonly waiting?: string;
  readonly adminPort?: number;
}

function podOf(name: string, { ready = true, phase = "Running", waiting, adminPort = 9090 }: Words = {}): Pod {
  const sidecar: Container[] =
    waiting === undefined ? [] : [{ name: "wsproxy", state: { waiting: { reason: waiting } } }];
  const conditions = [{ type: "Ready", status: ready ? "True" : "False" }];
  return {
    metadata: { name, namespace: "demo", uid: name },
    adminPort,
    status: { phase, podIP: name, conditions, initContainerStatuses: sidecar },
  };
}

/** Injected pods that answer as told, by name. */
function bench(answers: Record<string, PodAnswer>, takes = 0) {
  const nudged: string[] = [];
  const asked: Question[] = [];
  const clock = new FakeClock();
  const pods = new DataplanePods({
    client: {
      request: ({ path }: { readonly path: string }) => {
        nudged.push(path.replace(/^.*\//, ""));
        return Promise.resolve({ metadata: { name: "" } });
      },
    } as never,
    clock,
    log: { debug() {}, info() {}, warn() {}, error() {} },
    ask: (question) => {
      asked.push(question);
      clock.advance(takes);
      return Promise.resolve(answers[question.address] ?? SILENT);
    },
    wrote: () => {},
  });
  const look = (...own: Pod[]) => pods.look("demo/chat", { own, strangers: [], injected: true }, TARGET, NEVER);
  return { pods, look, nudged, asked, clock };
}

test("an injected pod is asked at its own admin port", async () => {
  const { look, asked } = bench({ one: SERVES, two: SERVES });
  await look(podOf("one"), podOf("two", { adminPort: 9191 }));
  expect(asked.map(({ address, port }) => `${address}:${port}`)).toEqual(["one:9090", "two:9191"]);
});

describe("an injected pod that is not ready", () => {
  const unready = podOf("one", { ready: false });

  test("is behind and nudged until it reports, whether or not others are ready", async () => {
    const answers: Record<string, PodAnswer> = { one: OLD, two: SERVES };
    const { look, nudged, clock } = bench(answers);
    expect(await look(unready, podOf("two"))).toMatchObject({ ready: ["two"], behind: ["one"], outdated: ["one"] });
    expect(nudged).toEqual(["one"]);
    clock.advance(2000);
    await look(unready, podOf("two"));
    expect(nudged).toEqual(["one", "one"]);
    answers["one"] = SERVES;
    expect(await look(unready, podOf("two"))).toMatchObject({ ready: ["two"], behind: [] });
  });

  test("and does not answer may just start: it is nudged as soon as it answers, or when it is late", async () => {
    const answers: Record<string, PodAnswer> = { one: SILENT };
    const { look, nudged, clock } = bench(answers);
    expect(await look(unready)).toMatchObject({ behind: ["one"], late: [] });
    clock.advance(5000);
    await look(unready);
    expect(nudged).toEqual([]);
    answers["one"] = { kind: "unsynced" };
    clock.advance(1000);
    await look(unready);
    expect(nudged).toEqual(["one"]);
    answers["one"] = SILENT;
    for (let second = 0; second < 10; second += 1) {
      clock.advance(1000);
      await look(unready);
    }
    expect(nudged.length).toBeGreaterThan(1);
  });

  test("and gives no usable report is told of only when it is late", async () => {
    const { look, clock } = bench({ one: { kind: "nonsense", words: "no" } });
    expect(await look(unready)).toMatchObject({ behind: ["one"], unusable: [] });
    clock.advance(10_000);
    expect(await look(unready)).toMatchObject({ unusable: [{ pod: "one", words: "no" }] });
  });
});

test("an injected pod that starts is nudged with a new config, and asked once its container has started", async () => {
  const { pods, look, nudged, asked } = bench({});
  const starts = podOf("one", { ready: false, phase: "Pending", waiting: "PodInitializing" });
  expect(await look(starts)).toMatchObject({ pods: 1, behind: [] });
  expect([asked, nudged]).toEqual([[], []]);
  await pods.nudge([starts], WANTED, NEVER);
  expect(nudged).toEqual(["one"]);
  await look(podOf("one", { ready: false, phase: "Pending" }));
  expect(asked).toHaveLength(1);
});

test("of thousands of injected pods one turn nudges four hundred, and the next looks go on with the others", async () => {
  const all = Array.from({ length: 2000 }, (_, at) => podOf(`pod-${at}`));
  const answers = Object.fromEntries(all.map(({ metadata: { name } }) => [name, OLD]));
  const { pods, look, nudged, clock } = bench(answers);
  const run = async <T>(work: Promise<T>): Promise<T> => {
    const over = { yet: false };
    void work.finally(() => (over.yet = true));
    while (!over.yet) {
      await new Promise((resolve) => setImmediate(resolve));
      if (!over.yet) clock.advance(100);
    }
    return work;
  };
  const left = await run(pods.nudge(all, WANTED, NEVER));
  expect([nudged.length, left.length]).toEqual([400, 1600]);
  for (let turn = 0; turn < 4; turn += 1) await run(look(...all));
  expect(new Set(nudged).size).toBe(2000);
});
