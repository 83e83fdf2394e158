import { afterEach, expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import type { AdminAnswer } from "../../runtime/admin-port/admin-endpoint.ts";
import { Drained } from "./drained.ts";
import { ProcessDrain } from "./process-drain.ts";

let clock = new FakeClock();
let drain = new ProcessDrain();
let drained = new Drained(drain, clock);
afterEach(() => {
  clock = new FakeClock();
  drain = new ProcessDrain();
  drained = new Drained(drain, clock);
});

interface Asked {
  readonly leave: () => void;
  /** Undefined: it waits. */
  readonly told: () => string | undefined;
}

function ask(address = "192.0.2.1"): Asked {
  const gone = new AbortController();
  let told: string | undefined;
  const take = ({ status, body }: AdminAnswer): void => {
    told = `${status} ${(JSON.parse(String(body)) as { status: string }).status}`;
  };
  const answer = drained.answer({ address, gone: gone.signal });
  if (answer instanceof Promise) void answer.then(take);
  else take(answer);
  return { leave: () => gone.abort(), told: () => told };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("a request waits until the drain is over, however long that takes; a later one is answered at once", async () => {
  drain.begin();
  const asked = ask();
  clock.advance(36_000_000);
  await settled();
  expect(asked.told()).toBeUndefined();
  drain.ended();
  await settled();
  expect(asked.told()).toBe("200 drained");
  expect(ask().told()).toBe("200 drained");
});

test("where no drain begins within ten seconds the answer says so; one that begins in time is waited for", async () => {
  const none = ask();
  clock.advance(9999);
  await settled();
  expect(none.told()).toBeUndefined();
  clock.advance(1);
  await settled();
  expect(none.told()).toBe("200 no drain");
  const early = ask();
  clock.advance(9999);
  drain.begin();
  clock.advance(100_000);
  await settled();
  expect(early.told()).toBeUndefined();
  drain.ended();
  await settled();
  expect(early.told()).toBe("200 drained");
});

test("64 wait; one more is refused, until one has left", async () => {
  drain.begin();
  const crowd = Array.from({ length: 64 }, () => ask());
  const more = ask();
  await settled();
  expect(more.told()).toBe("503 too many requests wait");
  crowd[5]?.leave();
  const next = ask();
  await settled();
  expect(next.told()).toBeUndefined();
  expect(crowd.filter(({ told }) => told() === undefined)).toHaveLength(63);
  drain.ended();
  await settled();
  expect(next.told()).toBe("200 drained");
});

test("P1 an address with many places gives its newest to one that has fewer, and none to one that has as many", async () => {
  drain.begin();
  const hook = ask("10.0.0.1");
  const crowd = Array.from({ length: 63 }, () => ask("192.0.2.66"));
  const late = ask("10.0.0.1");
  await settled();
  expect([hook.told(), late.told()]).toEqual([undefined, undefined]);
  expect(crowd.map(({ told }) => told()).filter((it) => it !== undefined)).toEqual(["503 too many requests wait"]);
  expect(crowd.at(-1)?.told()).toBe("503 too many requests wait");
  for (let more = 0; more < 1000; more += 1) ask("192.0.2.66");
  await settled();
  expect([hook.told(), late.told()]).toEqual([undefined, undefined]);
});

test("P1 requests that come and leave by the thousand leave nothing behind", async () => {
  for (let more = 0; more < 5000; more += 1) ask().leave();
  expect(clock.next).toBe(Number.POSITIVE_INFINITY);
  const one = ask();
  drain.begin();
  drain.ended();
  await settled();
  expect(one.told()).toBe("200 drained");
});
