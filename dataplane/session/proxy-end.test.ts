import { beforeEach, expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { settle } from "../../test/fakes/idp-bench.ts";
import type { Attempt } from "../handshake/attempt.ts";
import { ProxyEnd } from "./proxy-end.ts";
import type { Session } from "./session.ts";

let clock: FakeClock;
let sessions: Set<Session>;
let attempts: Set<Attempt>;
/** Whose route the config has. */
let routed: Set<Session>;
/** What was done, in order. */
let done: string[];
let end: ProxyEnd;

beforeEach(() => {
  clock = new FakeClock();
  [sessions, attempts, routed, done] = [new Set(), new Set(), new Set(), []];
  end = new ProxyEnd({
    attempts,
    sessions,
    hasRoute: (one) => routed.has(one),
    drainPeriod: () => 1000,
    clock,
    random: () => 0.5,
    draining: (left) => done.push(`${left} left`),
  });
});

/** A session that ends as soon as it is told. */
function session(name: string): Session {
  const one = {
    terminate({ reason }: { reason: string }) {
      done.push(`${name} ${reason}`);
      sessions.delete(one);
    },
    destroy: () => done.push(`${name} destroyed`),
  } as unknown as Session;
  sessions.add(one);
  return one;
}

function attempt(name: string): void {
  const one = {
    drain() {
      done.push(`${name} refused`);
      attempts.delete(one);
    },
    abort: () => done.push(`${name} aborted`),
  } as unknown as Attempt;
  attempts.add(one);
}

async function run(ms: number): Promise<void> {
  for (let at = 0; at < ms; at += 10) {
    clock.advance(10);
    await settle();
  }
}

test("a drain closes the sessions over the drain period, and refuses handshakes only after that", async () => {
  session("a");
  session("b");
  attempt("x");
  const drained = end.drain(new AbortController().signal);
  expect(end.begun).toBe(true);
  await run(500);
  expect(done).toContain("a Draining");
  expect(done).not.toContain("x refused");
  await run(1000);
  await drained;
  expect(done.filter((what) => !what.endsWith("left"))).toEqual(["a Draining", "b Draining", "x refused"]);
  expect([done[0], done.at(-1)]).toEqual(["2 left", "0 left"]);
});

test("a drain waits for what does not end by itself, until it is told to end at once", async () => {
  sessions.add({ terminate: () => done.push("told"), destroy: () => done.push("destroyed") } as unknown as Session);
  const abort = new AbortController();
  let over = false;
  const drained = end.drain(abort.signal).then(() => (over = true));
  await run(5000);
  expect([over, done.includes("told")]).toEqual([false, true]);
  abort.abort();
  await run(20);
  await drained;
  expect(over).toBe(true);
});

test("a proxy that is removed refuses its handshakes at once, and tells its sessions that their route is gone", async () => {
  session("a");
  attempt("x");
  const retired = end.retire();
  expect([end.begun, done[0]]).toEqual([true, "x refused"]);
  await run(100);
  await retired;
  expect(done).toEqual(["x refused", "a RouteRemoved"]);
});

test("sessions of a route that is gone are told, and the others go on", async () => {
  const gone = [session("a"), session("b")];
  session("stays");
  end.routeRemoved(gone);
  await run(100);
  expect(done.toSorted()).toEqual(["a RouteRemoved", "b RouteRemoved"]);
  expect([end.begun, sessions.size]).toEqual([false, 1]);
});

test("sessions whose route is back when their turn comes stay; those of a proxy that is removed or drained do not", async () => {
  const all = Array.from({ length: 10 }, (_, index) => session(`${index}`));
  end.routeRemoved(all);
  await run(50);
  const told = done.length;
  expect(told).toBeGreaterThan(0);
  routed = new Set(all);
  await run(1000);
  expect(done).toHaveLength(told);
  routed.clear();
  end.routeRemoved([...sessions]);
  routed = new Set(all);
  void end.drain(new AbortController().signal);
  await run(2000);
  expect(done.filter((what) => what.endsWith("Draining"))).toHaveLength(all.length - told);
});

test("at once means all: handshakes are aborted and sessions destroyed, and none is told any more", async () => {
  const all = Array.from({ length: 100 }, (_, index) => session(`${index}`));
  attempt("x");
  end.routeRemoved(all);
  await settle();
  const told = done.length;
  end.destroy();
  expect(end.begun).toBe(true);
  expect(done.slice(told)).toContain("x aborted");
  expect(done.filter((what) => what.endsWith("destroyed"))).toHaveLength(sessions.size);
  const before = done.length;
  await run(2000);
  expect(done).toHaveLength(before);
});
