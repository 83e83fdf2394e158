import { describe, expect, test } from "vitest";
import { NO_PODS } from "../../test/fakes/pod-state.ts";
import { FakeClock } from "../../test/fakes/clock.ts";
import { recordedLog } from "../../test/fakes/kube-bench.ts";
import type { PodState } from "./dataplane-pods.ts";
import { PodLoop } from "./pod-loop.ts";

const PODS = { own: [], strangers: [] };
const WANTED = { hash: "h", endpointsHash: "e" };

/** A state with these pods behind. */
function state(...behind: readonly string[]): PodState {
  return { ...NO_PODS, pods: 2, ready: ["a", "b"], behind };
}

/** All that is ready to run has run. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A loop that sees the states of pods that a test gives, one a look; the last state stays. */
function bench(states: Record<string, (PodState | Error | Promise<PodState>)[]>) {
  const clock = new FakeClock();
  const looks: string[] = [];
  const changed: string[] = [];
  const term = new AbortController();
  const { log, lines } = recordedLog();
  const loop = new PodLoop({
    pods: {
      look: async (proxy) => {
        looks.push(proxy);
        const left = states[proxy] ?? [];
        const next = left.length > 1 ? left.shift() : left[0];
        if (next instanceof Error) throw next;
        return next ?? state();
      },
    },
    clock,
    log,
    changed: (proxy) => changed.push(proxy),
  });
  const pass = (proxy: string, wanted = WANTED): Promise<PodState> =>
    loop.look(proxy, PODS, { proxy, wanted, generation: 1, token: "t" }, term.signal);
  const advance = async (ms: number, step = 100): Promise<void> => {
    for (let passed = 0; passed < ms; passed += step) {
      clock.advance(step);
      await settle();
    }
  };
  return { loop, clock, looks, changed, term, lines, pass, advance };
}

describe("pods that are behind", () => {
  test("are looked at every 300 ms, after half a minute every 5 s, and no pass is asked for", async () => {
    const { pass, advance, looks, changed } = bench({ chat: [state("a")] });
    expect(await pass("chat")).toEqual(state("a"));
    await advance(30_000);
    expect(looks.length).toBe(1 + 100);
    await advance(60_000);
    expect(looks.length).toBe(1 + 100 + 12);
    expect(changed).toEqual([]);
  });

  test("of which one catches up bring a pass each time, and none when all serve", async () => {
    const { pass, advance, looks, changed, clock } = bench({
      chat: [state("a", "b"), state("a", "b"), state("a"), state()],
    });
    await pass("chat");
    await advance(300);
    expect(changed).toEqual([]);
    await advance(300);
    expect(changed).toEqual(["chat"]);
    await advance(300);
    expect(changed).toEqual(["chat", "chat"]);
    await advance(60_000);
    expect([looks.length, clock.pending]).toEqual([4, 0]);
  });

  test("are behind for as long as they are to serve the same, however many passes there are meanwhile", async () => {
    const { pass, advance, looks } = bench({ chat: [state("a")] });
    await pass("chat");
    await advance(30_000);
    await pass("chat");
    const before = looks.length;
    await advance(4900);
    expect(looks.length).toBe(before);
    await pass("chat", { ...WANTED, hash: "another" });
    await advance(900);
    expect(looks.length).toBe(before + 1 + 3);
  });
});

test("a pass in which all pods serve, or in which it is not known what they are to serve, begins no loop", async () => {
  const { loop, pass, looks, clock, term } = bench({ chat: [state()] });
  await pass("chat");
  await loop.look("other", PODS, undefined, term.signal);
  expect([looks, clock.pending]).toEqual([["chat", "other"], 0]);
});

describe("a loop ends", () => {
  test.each<[string, (its: ReturnType<typeof bench>) => void]>([
    ["when a pass is about to write", ({ loop }) => loop.stop("chat")],
    ["with its proxy", ({ loop }) => loop.forget("chat")],
    ["with the term of the leader", ({ term }) => term.abort()],
  ])("%s, and the look that is under way tells nothing any more", async (_when, end) => {
    let answer = (_: PodState): void => {};
    const slow = new Promise<PodState>((resolve) => (answer = resolve));
    const its = bench({ chat: [state("a"), slow] });
    await its.pass("chat");
    await its.advance(300);
    end(its);
    let ended = false;
    const waiting = its.loop.ended().then(() => (ended = true));
    await settle();
    expect(ended).toBe(false);
    answer(state());
    await waiting;
    await its.advance(10_000);
    expect([its.looks.length, its.changed, its.clock.pending]).toEqual([2, [], 0]);
  });

  test("with a fault, which the next pass meets too", async () => {
    const { pass, advance, changed, lines, looks } = bench({ chat: [state("a"), new Error("odd")] });
    await pass("chat");
    await advance(10_000);
    expect([looks.length, changed, lines]).toEqual([2, ["chat"], ["warn pods not looked at; making a pass"]]);
  });
});

test("a loop that is stopped just as its turn comes does not look any more", async () => {
  const { loop, pass, looks, clock, changed } = bench({ chat: [state("a")] });
  await pass("chat");
  clock.advance(300);
  await Promise.resolve();
  loop.stop("chat");
  await settle();
  expect([looks.length, changed]).toEqual([1, []]);
});

test("16 looks run at a time, and a proxy with slow pods holds up no more than one of them", async () => {
  const never = new Promise<PodState>(() => {});
  const slow = Array.from({ length: 15 }, (_, at) => [`slow-${at}`, [state("a"), never]] as const);
  const fair = ["one", "two", "three"].map((name) => [name, [state("a"), state("a")]] as const);
  const { pass, advance, looks } = bench(
    Object.fromEntries([...slow, ...fair].map(([name, states]) => [name, [...states]])),
  );
  for (const [name] of [...slow, ...fair]) await pass(name);
  await advance(3000);
  for (const [name] of slow) expect(looks.filter((one) => one === name)).toHaveLength(2);
  for (const [name] of fair) expect(looks.filter((one) => one === name)).toHaveLength(11);
});

test("of more than 16 proxies with slow pods the next look begins when another one ends", async () => {
  let answer = (_: PodState): void => {};
  const slow = new Promise<PodState>((resolve) => (answer = resolve));
  const names = Array.from({ length: 17 }, (_, at) => `chat-${at}`);
  const its = bench(Object.fromEntries(names.map((name) => [name, [state("a"), slow]])));
  for (const name of names) await its.pass(name);
  await its.advance(300);
  expect(its.looks.length).toBe(17 + 16);
  answer(state());
  await settle();
  expect(its.looks.at(-1)).toBe("chat-16");
});
