import { describe, expect, test } from "vitest";
import { NO_PODS } from "../../test/fakes/pod-state.ts";
import { FakeClock } from "../../test/fakes/clock.ts";
import { ApiError } from "../kube/api-error.ts";
import type { Pod } from "../watch/pod.ts";
import { DataplanePods } from "./dataplane-pods.ts";
import type { PodAnswer } from "./pod-report.ts";

const WANTED = { hash: "new-hash-0123456789", endpointsHash: "endpoints-0123456789" };
const TARGET = { proxy: "demo/chat", wanted: WANTED, generation: 1, token: "the token" };

type Report = Extract<PodAnswer, { kind: "report" }>["report"];
const reports = (report: Partial<Report>): PodAnswer => ({ kind: "report", report: { proxy: "demo/chat", ...report } });
const SERVES = reports(WANTED);
const OLD = reports({ ...WANTED, hash: "old" });
const refusing = (hash: string): PodAnswer =>
  reports({ ...WANTED, hash: "old", rejected: { hash, stage: "config", problems: ["no"] } });
const SILENT: PodAnswer = { kind: "silent" };
const UNSYNCED: PodAnswer = { kind: "unsynced" };
const NONSENSE: PodAnswer = { kind: "nonsense", words: "it talks nonsense" };
const NEVER = new AbortController().signal;

function podOf(name: string, ready = true): Pod {
  const conditions = [{ type: "Ready", status: ready ? "True" : "False" }];
  return { metadata: { name, namespace: "demo", uid: name }, status: { phase: "Running", podIP: name, conditions } };
}

/** All that is ready to run has run. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Pods that answer as told, by name, each after some time; nudges are recorded, and the API server answers them with `patch`. */
function bench(
  answers: Record<string, PodAnswer>,
  takes = 0,
  patch = (_: AbortSignal): Promise<unknown> => Promise.resolve({ metadata: { name: "" } }),
) {
  const nudged: string[] = [];
  const warned: string[] = [];
  const asked: string[] = [];
  const clock = new FakeClock();
  const pods = new DataplanePods({
    client: {
      request: ({ path, signal }: { readonly path: string; readonly signal: AbortSignal }) => {
        nudged.push(path.replace(/^.*\//, ""));
        return patch(signal);
      },
    } as never,
    clock,
    log: { debug() {}, info() {}, warn: (_, words) => warned.push(words), error() {} },
    ask: ({ address, token }) => {
      expect(token).toBe("the token");
      asked.push(address);
      clock.advance(takes);
      return Promise.resolve(answers[address] ?? SILENT);
    },
    wrote: () => {},
  });
  const look = (own: readonly Pod[], strangers: readonly Pod[] = [], wanted = WANTED, signal = NEVER) =>
    pods.look("demo/chat", { own, strangers }, { ...TARGET, wanted }, signal);
  return { pods, look, nudged, asked, warned, clock };
}

test("pods that serve what they are to are not nudged, and not asked again", async () => {
  const { look, nudged, asked } = bench({ one: SERVES });
  for (let pass = 0; pass < 2; pass += 1) {
    const state = await look([podOf("one")]);
    expect(state).toEqual({ ...NO_PODS, pods: 1, ready: ["one"] });
  }
  expect([nudged, asked]).toEqual([[], ["one"]]);
});

test("a pod that is to serve something else is asked again, also where that is what it served before", async () => {
  const answers = { one: SERVES };
  const { look, asked } = bench(answers);
  const other = { ...WANTED, hash: "another" };
  expect((await look([podOf("one")])).behind).toEqual([]);
  expect((await look([podOf("one")], [], other)).behind).toEqual(["one"]);
  answers.one = OLD;
  expect((await look([podOf("one")])).behind).toEqual(["one"]);
  expect(asked).toEqual(["one", "one", "one"]);
});

test("a pod that is behind, silent or without the token is nudged: after two seconds again, then less and less often", async () => {
  const { look, nudged, clock } = bench({ behind: OLD, silent: SILENT, unsynced: UNSYNCED });
  const all = () => look([podOf("silent"), podOf("behind"), podOf("unsynced")]);
  const overdue = ["behind", "silent", "unsynced"];
  expect(await all()).toMatchObject({ behind: overdue, refusing: [], unusable: [] });
  await all();
  expect(nudged.toSorted()).toEqual(overdue);
  clock.advance(2000);
  await all();
  expect(nudged.length).toBe(6);
  clock.advance(3999);
  await all();
  expect(nudged.length).toBe(6);
  clock.advance(1);
  await all();
  expect(nudged.length).toBe(9);
  for (let day = 0; day < 24 * 3600; day += 10) {
    clock.advance(10_000);
    await all();
  }
  const times = (name: string): number => nudged.filter((one) => one === name).length;
  for (const name of ["behind", "unsynced"]) expect(times(name)).toBeLessThan(24 * 60 + 10);
  // Thousands may give no answer, for days.
  expect(times("silent")).toBeLessThan(24 * 6 + 15);
});

test("a pod that gave no answer for hours is nudged as soon as it answers", async () => {
  const answers: Record<string, PodAnswer> = { one: SILENT };
  const { look, nudged, clock } = bench(answers);
  for (let minute = 0; minute < 182; minute += 1) {
    clock.advance(60_000);
    await look([podOf("one")]);
  }
  const before = nudged.length;
  answers["one"] = OLD;
  clock.advance(60_000);
  await look([podOf("one")]);
  expect(nudged.length).toBe(before + 1);
});

describe("a pod that is behind", () => {
  const at = (generation: number): PodAnswer => reports({ ...WANTED, generation });
  const old = (generation: number): PodAnswer => reports({ ...WANTED, hash: "old", generation });

  test("is late after ten seconds, whatever it was to serve meanwhile, and is not once it serves", async () => {
    const answers: Record<string, PodAnswer> = { one: at(1) };
    const { look, clock } = bench(answers);
    await look([podOf("one")]);
    answers["one"] = old(1);
    for (let second = 0; second < 10; second += 1) {
      const wanted = { ...WANTED, endpointsHash: `endpoints-${second}` };
      expect(await look([podOf("one")], [], wanted)).toMatchObject({ behind: ["one"], late: [], outdated: [] });
      clock.advance(1000);
    }
    expect(await look([podOf("one")])).toMatchObject({ behind: ["one"], late: ["one"] });
    answers["one"] = at(1);
    expect(await look([podOf("one")])).toMatchObject({ behind: [], late: [] });
    answers["one"] = old(1);
    expect(await look([podOf("one")], [], { ...WANTED, hash: "h" })).toMatchObject({ behind: ["one"], late: [] });
  });

  test("is not late if it follows, though what it is to serve changes all the time", async () => {
    const answers: Record<string, PodAnswer> = { one: at(1) };
    const { look, clock } = bench(answers);
    const wanted = (turn: number) => ({ hash: `hash-${turn - (turn % 2)}`, endpointsHash: `endpoints-${turn}` });
    for (let turn = 0; turn < 200; turn += 1) {
      answers["one"] = reports({ ...wanted(Math.max(0, turn - 2)), generation: 1 });
      const { behind, late } = await look([podOf("one")], [], wanted(turn));
      expect([behind, late]).toEqual([turn === 0 ? [] : ["one"], []]);
      clock.advance(400);
    }
    // It stays where it is.
    for (let turn = 200; turn < 240; turn += 1) {
      await look([podOf("one")], [], wanted(turn));
      clock.advance(400);
    }
    expect(await look([podOf("one")], [], wanted(240))).toMatchObject({ late: ["one"] });
  });

  test("is outdated if it serves an earlier generation, also where it is silent since or tells none", async () => {
    const answers: Record<string, PodAnswer> = { one: at(1) };
    const { look, pods, clock } = bench(answers);
    await look([podOf("one")]);
    const next = { ...TARGET, generation: 2, wanted: { ...WANTED, hash: "next" } };
    const state = () => {
      clock.advance(1000);
      return pods.look("demo/chat", { own: [podOf("one")], strangers: [] }, next, NEVER);
    };
    for (const answer of [SILENT, OLD, old(1), UNSYNCED]) {
      answers["one"] = answer;
      expect(await state()).toMatchObject({ behind: ["one"], outdated: ["one"], late: [], unproven: [] });
    }
    answers["one"] = old(2);
    expect(await state()).toMatchObject({ behind: ["one"], outdated: [], late: [], unproven: [] });
  });

  test("is unproven until this process has seen it serve what it was to serve", async () => {
    const answers: Record<string, PodAnswer> = { one: old(1) };
    const { look } = bench(answers);
    expect(await look([podOf("one")])).toMatchObject({ unproven: ["one"], outdated: [] });
    answers["one"] = at(1);
    expect(await look([podOf("one")])).toMatchObject({ unproven: [] });
    answers["one"] = old(1);
    expect(await look([podOf("one")], [], { ...WANTED, hash: "h" })).toMatchObject({ behind: ["one"], unproven: [] });
  });
});

describe("the listener of a pod may be an earlier one", () => {
  const next = (hash: string) => ({ ...TARGET, generation: 2, wanted: { ...WANTED, hash } });

  async function earlier(steps: readonly [PodAnswer, string, number][]): Promise<boolean[]> {
    const answers: Record<string, PodAnswer> = { one: reports({ ...WANTED, generation: 1 }) };
    const { look, pods, clock } = bench(answers);
    await look([podOf("one")]);
    const seen: boolean[] = [];
    for (const [answer, hash, wait] of steps) {
      clock.advance(wait);
      answers["one"] = answer;
      const { earlier: names } = await pods.look(
        "demo/chat",
        { own: [podOf("one")], strangers: [] },
        next(hash),
        NEVER,
      );
      seen.push(names.includes("one"));
    }
    return seen;
  }

  test("for a moment after an edit, and no longer where it gives no answer", async () => {
    expect(
      await earlier([
        [SILENT, "two", 0],
        [SILENT, "two", 9000],
        [SILENT, "two", 2000],
      ]),
    ).toEqual([true, true, false]);
  });

  test("for as long as it refuses what comes, whatever comes and however long", async () => {
    expect(
      await earlier([
        [refusing("two"), "two", 1000],
        [refusing("two"), "two", 60_000],
        [refusing("two"), "three", 60_000],
        [SILENT, "three", 60_000],
        [refusing("three"), "three", 60_000],
        [reports({ ...WANTED, hash: "three" }), "three", 60_000],
      ]),
    ).toEqual([true, true, true, true, true, false]);
  });
});

describe("a nudge", () => {
  /** The API server answers no patch; a call fails as soon as it is aborted. */
  const silence = (signal: AbortSignal): Promise<never> =>
    new Promise((_, reject) => {
      const call = { method: "PATCH", path: "/x" } as const;
      signal.addEventListener("abort", () => reject(new ApiError(call, 0, "Unreachable", "aborted")));
    });

  test("that is given up with its look does not count: the next look nudges the pod, and nothing is logged", async () => {
    const patches = [silence];
    const { look, nudged, warned } = bench({ one: OLD }, 0, (signal) => patches.pop()?.(signal) ?? Promise.resolve({}));
    const stop = new AbortController();
    const first = look([podOf("one")], [], WANTED, stop.signal);
    await settle();
    stop.abort();
    await first;
    await look([podOf("one")]);
    await look([podOf("one")]);
    expect([nudged, warned]).toEqual([["one", "one"], []]);
  });

  test("that the API server refuses counts, and is logged", async () => {
    const refusal = new ApiError({ method: "PATCH", path: "/x" }, 403, "Forbidden", "no");
    const { look, nudged, warned } = bench({ one: OLD }, 0, () => Promise.reject(refusal));
    await look([podOf("one")]);
    await look([podOf("one")]);
    expect([nudged, warned]).toEqual([["one"], ["pod not nudged"]]);
  });
});

test("a pod that refuses what it is to serve is told of, and not nudged for what it has", async () => {
  const { look, nudged } = bench({ one: refusing(WANTED.hash) });
  const state = await look([podOf("one")]);
  expect(state).toMatchObject({ behind: ["one"], refusing: [{ pod: "one", stage: "config", problems: ["no"] }] });
  expect(nudged).toEqual([]);
});

test("a pod that refused something earlier is behind, as others are", async () => {
  const { look, nudged } = bench({ one: refusing("an older one") });
  expect(await look([podOf("one")])).toMatchObject({ behind: ["one"], refusing: [] });
  expect(nudged).toEqual(["one"]);
});

test("where no pod takes traffic they are asked why, and they are not behind", async () => {
  const { look, nudged, asked } = bench({ one: refusing(WANTED.hash) });
  const state = await look([podOf("one", false)]);
  expect(state).toMatchObject({ pods: 1, ready: [], behind: [], refusing: [{ pod: "one" }] });
  expect([asked, nudged]).toEqual([["one"], []]);
});

test("a pod that is not ready is left in peace while others take traffic", async () => {
  const { look, asked } = bench({ ready: SERVES });
  await look([podOf("ready"), podOf("starting", false)]);
  expect(asked).toEqual(["ready"]);
});

test("a pod that is not ready and that a rollout waits for says why it refuses the config; nothing else is told of it", async () => {
  const { pods, asked, nudged } = bench({ old: SERVES, fresh: refusing(WANTED.hash), odd: NONSENSE });
  const of = (name: string, uid: string, ready: boolean): Pod => {
    const it = podOf(name, ready);
    return {
      ...it,
      metadata: { ...it.metadata, ownerReferences: [{ kind: "ReplicaSet", name: "s", uid, controller: true }] },
    };
  };
  const own = [of("old", "1", true), of("going", "1", false), of("fresh", "2", false), of("odd", "2", false)];
  const state = await pods.look("demo/chat", { own, strangers: [], newest: { uid: "2", revision: 2 } }, TARGET, NEVER);
  expect(state).toMatchObject({ ready: ["old"], behind: [], refusing: [{ pod: "fresh" }], unusable: [] });
  expect([asked.toSorted(), nudged]).toEqual([["fresh", "odd", "old"], []]);
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

test("pods that only have the labels are not asked, not nudged and not counted; those that run are told of", async () => {
  const { look, asked, nudged } = bench({ one: OLD, stranger: SERVES });
  const young = { ...podOf("young"), status: { phase: "Pending" } };
  expect(await look([podOf("one")], [podOf("stranger"), young])).toMatchObject({
    pods: 1,
    ready: ["one"],
    behind: ["one"],
    strangers: ["stranger"],
  });
  expect([asked, nudged]).toEqual([["one"], ["one"]]);
});

describe("a pod that gives no usable report", () => {
  test("is told of, counts as behind, and is asked less and less often", async () => {
    const { look, asked, clock } = bench({ one: NONSENSE });
    const unusable = [{ pod: "one", words: "it talks nonsense" }];
    for (let passes = 0; passes < 200; passes += 1) {
      expect(await look([podOf("one")])).toMatchObject({ behind: ["one"], refusing: [], unusable });
      clock.advance(300);
    }
    // In a minute: after 0.25, 0.5, 1, 2 and 4 seconds, then every five.
    expect(asked.length).toBeLessThanOrEqual(17);
    expect(asked.length).toBeGreaterThanOrEqual(12);
  });

  test("is asked at most every five seconds whatever it is to serve", async () => {
    const { look, asked, clock } = bench({ one: NONSENSE });
    for (let change = 0; change < 200; change += 1) {
      await look([podOf("one")], [], { ...WANTED, hash: `hash-${change}` });
      clock.advance(300);
    }
    expect(asked.length).toBeLessThanOrEqual(17);
  });

  test("is told of no more once it gives one", async () => {
    const answers: Record<string, PodAnswer> = { one: NONSENSE };
    const { look, clock } = bench(answers);
    await look([podOf("one")]);
    answers["one"] = SERVES;
    clock.advance(5000);
    expect(await look([podOf("one")])).toMatchObject({ behind: [], unusable: [] });
  });
});

test("a pod that refuses the token is told of only where it goes on for a minute and a half", async () => {
  const answers: Record<string, PodAnswer> = { one: UNSYNCED };
  const { look, clock } = bench(answers);
  const unusable = async () => (await look([podOf("one")])).unusable;
  expect(await unusable()).toEqual([]);
  clock.advance(89_999);
  expect(await unusable()).toEqual([]);
  clock.advance(1);
  expect(await unusable()).toEqual([{ pod: "one", words: "it refuses the operator's token" }]);
  answers["one"] = OLD;
  expect(await unusable()).toEqual([]);
  answers["one"] = UNSYNCED;
  expect(await unusable()).toEqual([]);
});

test("of a thousand silent pods a look asks as many as a second permits, and the next one goes on with the others", async () => {
  const { look, asked } = bench({}, 100);
  const crowd = Array.from({ length: 1000 }, (_, index) => podOf(`pod-${index}`, false));
  expect((await look(crowd)).pods).toBe(1000);
  expect(asked.length).toBe(32); // 100 ms each, and the clock goes on for one after the other
  await look(crowd);
  expect(new Set(asked).size).toBe(64);
});

test("an operator that leads again knows nothing of its pods: another one led meanwhile", async () => {
  const { look, pods, asked, clock } = bench({ one: OLD });
  await look([podOf("one")]);
  clock.advance(3_600_000);
  pods.begin();
  expect(await look([podOf("one")])).toMatchObject({ behind: ["one"], late: [], unproven: ["one"] });
  expect(asked).toEqual(["one", "one"]);
});

test("a ready pod that gives the operator no answer is told of when it is late, and as long as it does not answer", async () => {
  const answers: Record<string, PodAnswer> = { one: SILENT, two: OLD };
  const { look, clock } = bench(answers);
  const both = async (): Promise<readonly string[]> => (await look([podOf("one"), podOf("two")])).silent;
  // A busy pod may leave a question out.
  for (let question = 1; question < 4; question += 1) {
    expect(await both()).toEqual([]);
    clock.advance(5000);
  }
  expect(await both()).toEqual(["one"]);
  // A key changes, and the pod was not asked about that yet.
  expect((await look([podOf("one")], [], { ...WANTED, hash: "another" })).silent).toEqual(["one"]);
  answers["one"] = OLD;
  clock.advance(10_000);
  expect(await both()).toEqual([]);
});
