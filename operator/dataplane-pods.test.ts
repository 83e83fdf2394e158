import { expect, test } from "vitest";
import { FakeClock } from "../test/fakes/clock.ts";
import { DataplanePods, type Pod } from "./dataplane-pods.ts";
import type { PodReport } from "./pod-report.ts";

const WANTED = { hash: "new-hash-0123456789", endpointsHash: "endpoints-0123456789" };
const SERVES: PodReport = { ...WANTED, rejected: undefined };
const OLD: PodReport = { ...SERVES, hash: "old" };
const refusing = (hash: string): PodReport => ({ ...OLD, rejected: { hash, stage: "config", problems: ["no"] } });
const NEVER = new AbortController().signal;

function podOf(name: string, ready = true): Pod {
  const conditions = [{ type: "Ready", status: ready ? "True" : "False" }];
  return { metadata: { name, namespace: "demo", uid: name }, status: { phase: "Running", podIP: name, conditions } };
}

/** All that is ready to run has run. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Pods that answer as told, by name; what is nudged is written down. */
function bench(
  answers: Readonly<Record<string, PodReport | undefined>>,
  answer: (address: string) => Promise<PodReport | undefined> = (address) => Promise.resolve(answers[address]),
) {
  const nudged: string[] = [];
  const asked: string[] = [];
  const clock = new FakeClock();
  const pods = new DataplanePods({
    client: {
      request: ({ path }: { readonly path: string }) => {
        nudged.push(path.replace(/^.*\//, ""));
        return Promise.resolve({ metadata: { name: "" } } as never);
      },
    } as never,
    clock,
    log: { debug() {}, info() {}, warn() {}, error() {} },
    ask: (address) => {
      asked.push(address);
      return answer(address);
    },
    wrote: () => {},
  });
  return { pods, nudged, asked, clock };
}

test("pods that serve what they are to are not nudged, and not asked again", async () => {
  const { pods, nudged, asked } = bench({ one: SERVES });
  for (let pass = 0; pass < 2; pass += 1) {
    const state = await pods.look("demo/chat", [podOf("one")], WANTED, NEVER);
    expect(state).toEqual({ pods: 1, ready: ["one"], behind: [], refusing: [] });
  }
  expect([nudged, asked]).toEqual([[], ["one"]]);
});

test("a pod that is behind or silent is nudged, and after two seconds again", async () => {
  const { pods, nudged, clock } = bench({ behind: OLD, silent: undefined });
  const look = () => pods.look("demo/chat", [podOf("silent"), podOf("behind")], WANTED, NEVER);
  expect(await look()).toMatchObject({ behind: ["behind", "silent"], refusing: [] });
  await look();
  expect(nudged.toSorted()).toEqual(["behind", "silent"]);
  clock.advance(2000);
  await look();
  expect(nudged.length).toBe(4);
});

test("a pod that refuses what it is to serve is told of, and not nudged for what it has", async () => {
  const { pods, nudged } = bench({ one: refusing(WANTED.hash) });
  const state = await pods.look("demo/chat", [podOf("one")], WANTED, NEVER);
  expect(state).toMatchObject({ behind: ["one"], refusing: [{ pod: "one", stage: "config", problems: ["no"] }] });
  expect(nudged).toEqual([]);
});

test("a pod that refused something earlier is behind, as others are", async () => {
  const { pods, nudged } = bench({ one: refusing("an older one") });
  expect(await pods.look("demo/chat", [podOf("one")], WANTED, NEVER)).toMatchObject({ behind: ["one"], refusing: [] });
  expect(nudged).toEqual(["one"]);
});

test("where no pod takes traffic they are asked why, and they are not behind", async () => {
  const { pods, nudged, asked } = bench({ one: refusing(WANTED.hash) });
  const state = await pods.look("demo/chat", [podOf("one", false)], WANTED, NEVER);
  expect(state).toMatchObject({ pods: 1, ready: [], behind: [], refusing: [{ pod: "one" }] });
  expect([asked, nudged]).toEqual([["one"], []]);
});

test("a pod that is not ready is left in peace while others take traffic", async () => {
  const { pods, asked } = bench({ ready: SERVES, starting: undefined });
  await pods.look("demo/chat", [podOf("ready"), podOf("starting", false)], WANTED, NEVER);
  expect(asked).toEqual(["ready"]);
});

test("of 250 pods 20 are nudged at a time, a tenth of a second apart", async () => {
  const { pods, nudged, clock } = bench({});
  const all = Array.from({ length: 250 }, (_, n) => podOf(`pod-${n}`));
  const done = pods.nudge(all, WANTED, NEVER);
  for (let turn = 1; turn <= 13; turn += 1) {
    await settle();
    expect(nudged.length).toBe(Math.min(250, turn * 20));
    clock.advance(100);
  }
  await done;
});

test("of 250 pods 100 are asked at a time", async () => {
  let most = 0;
  let under = 0;
  const { pods } = bench({}, async () => {
    most = Math.max(most, (under += 1));
    await settle();
    under -= 1;
    return SERVES;
  });
  const all = Array.from({ length: 250 }, (_, n) => podOf(`pod-${n}`));
  expect(await pods.look("demo/chat", all, WANTED, NEVER)).toMatchObject({ pods: 250, behind: [] });
  expect(most).toBe(100);
});
