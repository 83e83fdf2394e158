import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pass } from "../../../test/store/bucket-time.ts";
import { DirectLink } from "../../../test/store/direct-link.ts";
import { StoreServer, STORE_LACKS } from "../../../test/store/server.ts";
import { answersOf, argumentsOf, type Borrowed, type BorrowLine } from "./borrow-line.ts";
import { BORROW } from "./scripts/borrow.ts";
import { LEASE } from "./scripts/bucket.ts";
import { TAKE } from "./scripts/take.ts";

const lacks = STORE_LACKS !== undefined;
let server: StoreServer;
let link: DirectLink;
let calls = 0;
let keys = 0;

beforeAll(async () => {
  if (lacks) return;
  server = await StoreServer.start();
  link = await DirectLink.open(server.port);
});
afterAll(async () => {
  link?.close();
  await server?.close();
});

/** Slow enough that what refills while a test runs is far below one token. */
const shape = { limit: 1, interval: 3_600_000, burst: 100 };
const none = { shape, at: 0, seen: 0, holds: 0, lent: 0, back: 0, need: 0, least: 0, ahead: 0 };
const freshKey = (): string => `{t/p}:m:${(keys += 1)}`;

async function borrow(key: string, holder: string, more: Partial<BorrowLine>, call = (calls += 1)) {
  const line = { ...none, key, holder, ...more };
  const answer = await link.call(BORROW, [key], argumentsOf("pod", call, [line]));
  return { call, said: answersOf(answer, 1)[0] as Borrowed };
}
const fields = async (key: string): Promise<Record<string, string>> => {
  const all = (await server.ask("HGETALL", key)) as Record<string, string>;
  return { ...all };
};
const tokens = async (key: string): Promise<number> => Number((await fields(key))["t"]);

test.skipIf(lacks)("what is needed is granted as a whole, or the least of it, or nothing and a wait", async () => {
  const key = freshKey();
  expect((await borrow(key, "a", { need: 98, least: 98 })).said).toEqual({ granted: 98, wait: 0, kept: 0 });
  expect((await borrow(key, "a", { need: 5, least: 1 })).said).toMatchObject({ granted: 2, kept: 0 });
  const { granted, wait } = (await borrow(key, "a", { need: 1, least: 1 })).said;
  expect(granted).toBe(0);
  expect(wait).toBeGreaterThan(3_590_000);
  expect(wait).toBeLessThanOrEqual(3_600_000);
  expect(Object.keys(await fields(key)).toSorted()).toEqual(["a", "t"]); // nothing is held
});

test.skipIf(lacks)("a token that rounding left a billionth short is there, for a handshake too", async () => {
  const key = freshKey();
  await server.ask("HSET", key, "t", "0.999999999", "a", String(Date.now() * 1000));
  const { limit, interval, burst } = { ...shape, interval: 1e12 };
  const take = () => link.call(TAKE, ["{t/p}:pods", key], ["pod", 0, 0, 0, 1, limit, interval, burst]);
  expect(await take()).toEqual([1]);
  expect(await take()).toEqual([0, 0, expect.any(Number)]);
});

test.skipIf(lacks)(
  "a bucket does not fill up while a pod sits on its tokens, and does when they are given back",
  async () => {
    const key = freshKey();
    const quick = { ...shape, limit: 1000, interval: 1000 };
    const { call } = await borrow(key, "a", { shape: quick, need: 50, least: 50, ahead: 25 });
    await pass(server, key, LEASE - 1000);
    await borrow(key, "b", { shape: quick });
    expect(await tokens(key)).toBe(75);
    await borrow(key, "a", { shape: quick, seen: call, back: 25 });
    expect(await fields(key)).toEqual({}); // full, and nothing held
  },
);

test.skipIf(lacks)("what a pod has spent since is never in the bucket again but by its rate", async () => {
  const key = freshKey();
  const { call } = await borrow(key, "a", { need: 1, least: 1, ahead: 25 });
  expect(await tokens(key)).toBe(74);
  await borrow(key, "a", { seen: call, holds: 5, ahead: 20 });
  expect(await tokens(key)).toBeCloseTo(54, 2);
});

test.skipIf(lacks)(
  "what was granted ahead in an answer that was lost is in the bucket again with the next call",
  async () => {
    const key = freshKey();
    const { call } = await borrow(key, "a", { ahead: 10 });
    await borrow(key, "a", { seen: call, holds: 10, ahead: 15 }); // the answer is lost
    expect(await tokens(key)).toBe(75);
    await borrow(key, "a", { seen: call, holds: 10 });
    expect(await tokens(key)).toBeCloseTo(90, 2);
  },
);

test.skipIf(lacks)(
  "what a killed pod held comes back by the rate after its lease, though others keep the key busy",
  async () => {
    const key = freshKey();
    const quick = { ...shape, limit: 1000, interval: 1000 };
    await borrow(key, "dead", { shape: quick, ahead: 25 });
    for (let ms = 0; ms < LEASE; ms += 1000) {
      await pass(server, key, 1000);
      await borrow(key, "b", { shape: quick, need: 10, least: 10 });
      if (ms < LEASE - 2000) expect(await tokens(key)).toBeLessThanOrEqual(75);
    }
    await pass(server, key, 1000);
    await borrow(key, "b", { shape: quick, need: 10, least: 10 });
    expect(await tokens(key)).toBe(90);
    expect(Object.keys(await fields(key)).toSorted()).toEqual(["a", "t"]);
  },
);

test.skipIf(lacks)(
  "the end of a lease leaves the window whole: what was held may have been spent in its last moment",
  async () => {
    const key = freshKey();
    const quick = { ...shape, limit: 1, interval: 1000 };
    await borrow(key, "dead", { shape: quick, ahead: 25 });
    await pass(server, key, 3_600_000); // bucket at 75 for all of it, then the next call is this one
    await pass(server, key, -(3_600_000 - LEASE - 2000));
    const { granted } = (await borrow(key, "b", { shape: quick, need: 100, least: 1 })).said;
    expect(granted).toBeLessThanOrEqual(77);
  },
);

test.skipIf(lacks)("a pod that comes back after its lease keeps what the bucket can give, and no more", async () => {
  const key = freshKey();
  const { call } = await borrow(key, "a", { ahead: 25 });
  await borrow(key, "b", { need: 70, least: 70 });
  await pass(server, key, LEASE + 1);
  expect((await borrow(key, "a", { seen: call, holds: 25 })).said.kept).toBe(5);
  expect(await tokens(key)).toBeCloseTo(0, 1);
});

test.skipIf(lacks)("a call that comes out of turn changes nothing and grants nothing", async () => {
  const key = freshKey();
  const { call } = await borrow(key, "a", { ahead: 10 });
  const before = await fields(key);
  expect((await borrow(key, "a", { ahead: 10 }, call - 1)).said).toBeUndefined();
  expect((await fields(key))["hpod.a"]).toBe(before["hpod.a"]);
});

test.skipIf(lacks)(
  "a server's clock that steps back gives nothing, now or on its way; one that steps forward fills at most",
  async () => {
    const key = freshKey();
    const quick = { ...shape, limit: 10, interval: 1000 };
    await borrow(key, "a", { shape: quick, need: 100, least: 100 });
    await pass(server, key, -3_600_000);
    await borrow(key, "a", { shape: quick });
    expect(await tokens(key)).toBeLessThan(5);
    expect(Number((await fields(key))["a"])).toBeLessThan(Date.now() * 1000 + 1e6);
    await pass(server, key, 3_600_000);
    const { granted } = (await borrow(key, "a", { shape: quick, need: 1000, least: 1 })).said;
    expect(granted).toBe(100);
  },
);

test.skipIf(lacks)("dead holders do not stay where the clock steps back", async () => {
  const key = freshKey();
  await borrow(key, "dead", { ahead: 25 });
  await pass(server, key, -3_600_000);
  await borrow(key, "b", { need: 1, least: 1 });
  await pass(server, key, LEASE + 1);
  await borrow(key, "b", { need: 1, least: 1 });
  expect(Object.keys(await fields(key)).toSorted()).toEqual(["a", "t"]);
});

test.skipIf(lacks).each([
  ["1 in 1 h, asked each 10 ms", { limit: 1, interval: 3_600_000, burst: 1 }, 1, 10, 360_000],
  ["100 Mi in 1 s, asked each 0.1 ms", { limit: 104_857_600, interval: 1000, burst: 1e9 }, 104_857_600, 0.1, 1000],
])("counts do not drift: %s", async (_, its, wanted, step, total) => {
  const key = freshKey();
  await borrow(key, "a", { shape: its, need: its.burst, least: its.burst });
  const rounds = 200;
  for (let round = 0; round < rounds; round += 1) {
    await borrow(key, "a", { shape: its });
    await pass(server, key, round < rounds - 1 ? step : total - step * (rounds - 1));
  }
  await borrow(key, "a", { shape: its });
  const there = await tokens(key);
  const expected = Math.min(its.burst, (wanted * total) / its.interval);
  expect(there / expected).toBeGreaterThan(0.999_999);
  expect(there / expected).toBeLessThan(its.interval === 1000 ? 3 : 1.01); // the time that the test itself takes
});

test.skipIf(lacks).each([
  ["of another type", ["SET", "x"]],
  ["with fields that are no numbers", ["HSET", "t", "many", "a", "1"]],
  ["without its time", ["HSET", "t", "1"]],
  ["with tokens that are not a number", ["HSET", "t", "nan", "a", "1"]],
  ["with a holder that cannot be read", ["HSET", "t", "1", "a", "1", "hx", "1 2"]],
])("a key %s is told as such, and others in the same call are served", async (_, [command, ...rest]) => {
  const [bad, good] = [freshKey(), freshKey()];
  await server.ask(command as string, bad, ...rest);
  const lines = [bad, good].map((key) => ({ ...none, key, holder: "a", need: 1, least: 1 }));
  const answer = await link.call(BORROW, [bad, good], argumentsOf("pod", (calls += 1), lines));
  expect(answersOf(answer, 2)).toEqual([undefined, { granted: 1, wait: 0, kept: 0 }]);
});

test.skipIf(lacks)(
  "what is held of another burst counts no more: a limit that was lowered refuses nothing that it allows",
  async () => {
    const key = freshKey();
    const large = { ...shape, burst: 10_000 };
    expect((await borrow(key, "silent", { shape: large, ahead: 2500 })).said.granted).toBe(2500);
    const before = await borrow(key, "tells", { shape: large, ahead: 2500 });
    expect((await borrow(key, "new", { need: 1, least: 1, ahead: 6 })).said).toEqual({ granted: 7, wait: 0, kept: 0 });
    const told = await borrow(key, "tells", { seen: before.call, holds: 25 });
    expect(told.said).toMatchObject({ granted: 0, kept: 25 });
    expect(await fields(key)).toMatchObject({ t: expect.stringMatching(/^68/) as string });
    expect(Object.keys(await fields(key)).toSorted()).toEqual(["a", "hpod.new", "hpod.tells", "t"]);
  },
);

test.skipIf(lacks)("a key goes when its bucket is full again, 10 s later", async () => {
  const key = freshKey();
  await borrow(key, "a", { shape: { limit: 1, interval: 1000, burst: 100 }, need: 5, least: 5 });
  const life = Number(await server.ask("PTTL", key));
  expect(life).toBeGreaterThan(14_000);
  expect(life).toBeLessThanOrEqual(15_001);
  await borrow(key, "a", { shape: { limit: 1, interval: 1000, burst: 100 }, ahead: 10 });
  expect(Number(await server.ask("PTTL", key))).toBeGreaterThan(19_000);
});

interface Holder {
  readonly id: string;
  has: number;
  seen: number;
  until: number;
}

test.skipIf(lacks)(
  "whatever is lost, killed or late: in no window more than burst and what refills, and tokens and held within burst",
  async () => {
    const step = fc.record({
      who: fc.nat(3),
      what: fc.constantFrom("spend", "spend", "borrow", "borrow", "late", "never", "back", "kill", "pass", "rest"),
      n: fc.integer({ min: 1, max: 30 }),
    });
    const property = fc.asyncProperty(fc.array(step, { maxLength: 40, size: "max" }), async (steps) => {
      const key = freshKey();
      const its = { limit: 20, interval: 1000, burst: 60 };
      const holders = [0, 1, 2, 3].map((n): Holder => ({ id: `h${n}`, has: 0, seen: 0, until: 0 }));
      const started = performance.now();
      let shifted = 0;
      let kills = 0;
      const now = (): number => performance.now() - started + shifted;
      const spent: { n: number; from: number; to: number }[] = [];
      for (const { who, what, n } of steps) {
        const holder = holders[who] as Holder;
        if (what === "pass" || what === "rest") {
          const ms = what === "pass" ? n * 10 : n * 500;
          await pass(server, key, ms);
          shifted += ms;
        } else if (what === "spend") {
          const some = now() > holder.until ? 0 : Math.min(n, holder.has);
          holder.has -= some;
          if (some > 0) spent.push({ n: some, from: now(), to: now() });
        } else if (what === "kill") {
          holders[who] = { id: `k${(kills += 1)}`, has: 0, seen: 0, until: 0 };
        } else {
          if (now() > holder.until) holder.has = 0;
          const from = now();
          const asks =
            what === "back" ? { back: holder.has, holds: 0 } : { holds: holder.has, need: n, least: 1, ahead: n };
          if (what === "back") holder.has = 0;
          if (what === "never") continue;
          const { call, said } = await borrow(key, holder.id, { shape: its, seen: holder.seen, ...asks });
          const used = Math.min(said.granted, "need" in asks ? n : 0);
          if (what === "late") continue; // what it granted is not spent
          holder.has = said.kept + said.granted - used;
          holder.seen = call;
          holder.until = from + LEASE - 500;
          if (used > 0) spent.push({ n: used, from, to: now() });
        }
        const all = await fields(key);
        const held = Object.entries(all).filter(([name]) => name.startsWith("h"));
        const sum = held.reduce((total, [, text]) => total + Number(text.split(" ")[0]), Number(all["t"] ?? 0));
        expect(sum).toBeLessThanOrEqual(its.burst + 1e-6);
      }
      for (const [first, { from }] of spent.entries()) {
        let sum = 0;
        for (const { n, to } of spent.slice(first)) {
          sum += n;
          expect(sum).toBeLessThanOrEqual(its.burst + ((to - from) * its.limit) / its.interval + 1e-3);
        }
      }
    });
    await fc.assert(property, { numRuns: 30 });
  },
  60_000,
);
