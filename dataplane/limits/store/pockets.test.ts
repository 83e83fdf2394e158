import { expect, test } from "vitest";
import { FakeClock } from "../../../test/fakes/clock.ts";
import { FakeLink, turn } from "../../../test/fakes/fake-link.ts";
import type { BucketShape } from "../token-bucket.ts";
import { Pockets } from "./pockets.ts";

const wide = { limit: 100, interval: 1000, burst: 128 };
const small = { limit: 10, interval: 1000, burst: 10 };

function bench(...shapes: BucketShape[]) {
  const [clock, link] = [new FakeClock(), new FakeLink()];
  const pockets = new Pockets({ link: () => link, prefix: "{t/p}:", id: "pod", clock });
  const made = shapes.map((shape, at) => pockets.bucket(`messages fromClient Client proxy\n${at}`, shape, clock.now()));
  const now = (): number => clock.now();
  let answers = 0;
  /** A flow that takes what it asked for. */
  const ask = (at = 0, n = 1) =>
    made[at]?.ask(n, now(), () => {
      answers += 1;
      made[at]?.take(n, now());
    });
  return { clock, link, pockets, made, now, ask, answers: () => answers };
}
type Made = ReturnType<typeof bench>;
/** The first message has been granted, and what is held ahead is here. */
async function filled(it: Made): Promise<void> {
  it.ask();
  await turn();
  await it.link.grant();
}

test("a subject that is not used costs the store nothing, and its pocket no timer", async () => {
  const it = bench(wide);
  it.clock.advance(60_000);
  await turn();
  expect([it.link.sent, it.clock.pending]).toEqual([0, 0]);
});

test("what messages wait for leaves at the end of the turn, all subjects in one call", async () => {
  const it = bench(wide, small);
  expect(it.made.map((pocket) => pocket.take(1, it.now()))).toEqual([false, false]);
  expect(it.made.map((pocket) => pocket.unknown(1, it.now()))).toEqual([true, true]);
  for (const at of [0, 1, 1]) it.ask(at);
  await turn();
  expect(it.link.open.map(({ lines }) => lines)).toMatchObject([
    [
      { least: 1, need: 1, ahead: 12 },
      { least: 1, need: 2, ahead: 0 },
    ],
  ]);
  expect(it.answers()).toBe(0);
  await it.link.grant();
  expect(it.answers()).toBe(3);
});

test("answers come when the tokens are there, and are taken by the flow that asked", async () => {
  const it = bench(small);
  let took: boolean | undefined;
  it.made[0]?.ask(1, it.now(), () => (took = it.made[0]?.take(1, it.now())));
  await turn();
  await it.link.grant();
  expect(took).toBe(true);
  expect(it.made[0]?.available(it.now())).toBe(0);
});

test("a token that was granted to a flow that has gone is not kept: the store does not hold it", async () => {
  const it = bench(small);
  const asked = it.ask();
  await turn();
  asked?.cancel();
  await it.link.grant();
  expect([it.answers(), it.made[0]?.available(it.now())]).toEqual([0, 0]);
});

test("of a burst below 50 nothing is held ahead", async () => {
  const it = bench({ limit: 1000, interval: 1000, burst: 49 }, { limit: 1000, interval: 1000, burst: 50 });
  for (const at of [0, 1]) it.ask(at);
  await turn();
  expect(it.link.open[0]?.lines.map(({ ahead }) => ahead)).toEqual([0, 12]);
});

test("at half of what it holds it asks for more, in company, within 10 ms", async () => {
  const it = bench(wide);
  await filled(it);
  const take = (n: number) => it.made[0]?.take(n, it.now());
  expect([take(6), it.link.sent]).toEqual([true, 1]);
  expect(take(1)).toBe(true);
  await turn();
  expect(it.link.sent).toBe(1);
  it.clock.advance(10);
  await turn();
  expect(it.link.open[0]?.lines).toMatchObject([{ holds: 5, need: 0, ahead: 7 }]);
});

test("where use is slow it asks late, at the next quarter of a second, together with others", async () => {
  const it = bench(wide, wide);
  it.clock.advance(1000 - (it.now() % 1000));
  for (const at of [0, 1]) it.ask(at);
  await turn();
  await it.link.grant();
  const [fast, slow] = it.made;
  for (let n = 0; n < 10; n += 1) {
    it.clock.advance(500);
    slow?.take(1, it.now());
    await turn();
  }
  it.clock.advance(500);
  await turn();
  expect(it.link.sent).toBe(1); // it has 2
  slow?.take(1, it.now());
  it.clock.advance(249);
  await turn();
  expect(it.link.sent).toBe(1);
  fast?.take(12, it.now());
  it.clock.advance(1);
  await turn();
  expect(it.link.open[0]?.lines).toMatchObject([{ ahead: 11 }, { ahead: 12 }]);
  await it.link.grant();
  it.clock.advance(500);
  await turn();
  expect(it.link.sent).toBe(2);
});

test("where what is left lasts for most of a second it asks at the next full second", async () => {
  const it = bench(wide);
  it.clock.advance(1000 - (it.now() % 1000));
  await filled(it);
  it.clock.advance(1);
  for (let n = 0; n < 11; n += 1) {
    it.clock.advance(900);
    it.made[0]?.take(1, it.now());
    await turn();
  }
  expect([it.link.sent, it.now() % 1000]).toEqual([1, 901]);
  it.clock.advance(98);
  await turn();
  expect(it.link.sent).toBe(1);
  it.clock.advance(1);
  await turn();
  expect(it.link.open[0]?.lines).toMatchObject([{ holds: 1, ahead: 11 }]);
});

test("pockets that run low at the same time ask 200 in a round, and a message beside them does not wait for all", async () => {
  const it = bench(...Array.from({ length: 301 }, () => wide));
  for (const at of it.made.keys()) if (at > 0) it.ask(at);
  await turn();
  while (it.link.open.length > 0) await it.link.grant();
  for (const pocket of it.made.slice(1)) pocket.take(7, it.now());
  it.clock.advance(10);
  await turn();
  const asked = (): number[] => it.link.open.map(({ lines }) => lines.length);
  expect(asked()).toEqual([100, 100]);
  it.ask(0);
  await turn();
  expect(asked()).toEqual([100, 100]);
  for (let n = 0; n < 2; n += 1) await it.link.grant();
  await turn();
  expect(asked()).toEqual([100, 1]);
  expect(it.link.open[0]?.lines[0]).toMatchObject({ need: 1 });
});

test("a pocket that is used fast does not wait for the company of a slow one", async () => {
  const it = bench(wide, wide);
  await filled(it);
  const [slow, fast] = it.made;
  it.clock.advance(4500);
  it.ask(1);
  await turn();
  await it.link.grant();
  slow?.take(11, it.now());
  fast?.take(11, it.now());
  it.clock.advance(10);
  await turn();
  expect(it.link.open[0]?.lines).toMatchObject([{ holds: 1 }, { holds: 1 }]);
});

test("a busy pocket holds what it uses in 0.1 s, up to a quarter of the burst", async () => {
  const it = bench({ limit: 10_000, interval: 1000, burst: 10_000 });
  await filled(it);
  const asked: number[] = [];
  for (let n = 0; n < 40; n += 1) {
    it.made[0]?.take(400, it.now());
    it.clock.advance(25);
    await turn();
    for (const call of [...it.link.open]) {
      asked.push(...call.lines.map(({ holds, ahead }) => holds + ahead));
      await it.link.grant();
    }
  }
  expect(asked[0]).toBe(625);
  expect(asked.at(-1)).toBeGreaterThan(1500); // 16 a ms
  expect(Math.max(...asked)).toBeLessThanOrEqual(2500);
});

test("an empty bucket is asked again after the wait that the store told, or a pause; a verdict falls meanwhile", async () => {
  const it = bench(small);
  for (const [wait, pause] of [
    [700, 700],
    [1, 30],
  ] as const) {
    it.ask();
    await turn();
    await it.link.refuse(wait);
    const [pocket] = it.made;
    expect([pocket?.unknown(1, it.now()), pocket?.wait(1, it.now())]).toEqual([false, pause]);
    it.clock.advance(pause - 1);
    expect(pocket?.unknown(1, it.now())).toBe(false);
    it.clock.advance(1);
    expect([pocket?.unknown(1, it.now()), pocket?.wait(1, it.now())]).toEqual([true, 0]);
  }
});

test("a bucket that has just run empty is asked once for all that waits, after a pause", async () => {
  const it = bench(wide);
  it.ask();
  await turn();
  await it.link.open[0]?.answer(1, 10_000, 0); // nothing ahead, the next token in 10 ms
  for (let n = 0; n < 3; n += 1) it.ask();
  await turn();
  expect([it.link.sent, it.made[0]?.unknown(1, it.now())]).toEqual([1, true]);
  it.clock.advance(30);
  await turn();
  expect(it.link.open[0]?.lines).toMatchObject([{ least: 1, need: 3 }]);
});

test("a slow bucket that has just run empty holds no message until its next token: a verdict falls at once", async () => {
  const it = bench({ limit: 50, interval: 86_400_000, burst: 50 });
  it.ask();
  await turn();
  await it.link.open[0]?.answer(1, 1_728_000_000, 0); // nothing ahead, the next token in 29 min
  const [pocket] = it.made;
  expect([pocket?.unknown(1, it.now()), pocket?.wait(1, it.now())]).toEqual([false, 1_728_000]);
});

test.each(["a lost answer", "an outage"])("%s brings back nothing of what was spent", async (what) => {
  const it = bench(wide);
  await filled(it);
  const [pocket] = it.made;
  pocket?.take(10, it.now()); // 2 left: it asks for more
  it.clock.advance(10);
  if (what === "an outage") it.link.available = false;
  else await it.link.open[0]?.fail();
  pocket?.ask(1, it.now(), () => {});
  await turn();
  await it.link.open[0]?.fail();
  it.link.available = true;
  it.clock.advance(250);
  expect(pocket?.available(it.now())).toBe(2);
});

test("a debt of the pod's own is not told to the store", async () => {
  const it = bench(wide);
  await filled(it);
  const [pocket] = it.made;
  pocket?.take(10, it.now());
  it.clock.advance(10);
  await it.link.open[0]?.fail();
  pocket?.ask(1, it.now(), () => {});
  await turn();
  await it.link.open[0]?.fail();
  expect(pocket?.alone(it.now())).toBe(true);
  pocket?.force(500, it.now());
  pocket?.ask(1, it.now(), () => {});
  await turn();
  expect(it.link.open[0]?.lines).toMatchObject([{ holds: 2 }]);
});

test("where the store has too few for a large read, it is still asked for a small one", async () => {
  const it = bench(small);
  it.ask(0, 8);
  await turn();
  await it.link.refuse(500);
  const [pocket] = it.made;
  expect([8, 10, 7, 1].map((n) => pocket?.unknown(n, it.now()))).toEqual([false, false, true, true]);
  it.ask(0, 3);
  await turn();
  expect(it.link.open[0]?.lines).toMatchObject([{ least: 3, need: 3 }]);
  await it.link.refuse(200);
  expect([2, 3].map((n) => pocket?.unknown(n, it.now()))).toEqual([true, false]);
});

test("what is granted ahead says that the bucket is not empty any more", async () => {
  const it = bench(wide);
  await filled(it);
  const [pocket] = it.made;
  it.ask(0, 90);
  await turn();
  await it.link.refuse(60_000);
  pocket?.take(10, it.now());
  it.clock.advance(10);
  await turn();
  expect(it.link.open[0]?.lines).toMatchObject([{ holds: 2, need: 0, ahead: 10 }]);
  await it.link.grant();
  expect([pocket?.unknown(90, it.now()), pocket?.unknown(13, it.now())]).toEqual([true, true]);
});

test("more than the burst is never asked for", () => {
  const it = bench(small);
  expect([it.made[0]?.unknown(10, it.now()), it.made[0]?.unknown(11, it.now())]).toEqual([true, false]);
});

test("while the store is unavailable each pod counts for itself, charged with what it has spent before", async () => {
  const it = bench(wide);
  await filled(it);
  it.made[0]?.take(10, it.now());
  it.link.available = false;
  const [pocket] = it.made;
  expect([pocket?.available(it.now()), pocket?.unknown(100, it.now())]).toEqual([117, false]);
  expect([pocket?.take(117, it.now()), pocket?.take(1, it.now()), pocket?.wait(1, it.now())]).toEqual([
    true,
    false,
    10,
  ]);
  pocket?.force(5, it.now());
  expect([pocket?.least(50, it.now()), pocket?.available(it.now())]).toEqual([0, -5]);
  it.link.available = true; // the store again, with what was held
  expect([pocket?.available(it.now()), pocket?.least(50, it.now())]).toEqual([2, 32]);
  it.link.available = false; // no fresh burst
  expect(pocket?.available(it.now())).toBe(-5);
});

test("two calls without an answer: what waits goes on by the pod's own count, and later the store is asked again", async () => {
  const it = bench(small);
  const [pocket] = it.made;
  const look = () => [it.answers(), pocket?.unknown(1, it.now()), pocket?.alone(it.now())];
  it.ask();
  await turn();
  await it.link.open[0]?.fail();
  expect(look()).toEqual([1, true, false]); // a flow asks again: alone this pod may have a burst of its own
  it.ask();
  await turn();
  await it.link.open[0]?.fail();
  expect(look()).toEqual([2, false, true]);
  expect(pocket?.available(it.now())).toBe(9);
  it.clock.advance(250);
  expect(look()).toEqual([2, true, false]);
});

test("an answer between two calls without one leaves the pocket with the store", async () => {
  const it = bench(small);
  for (const answered of [false, true, false]) {
    it.ask();
    await turn();
    if (answered) await it.link.grant();
    else await it.link.open[0]?.fail();
  }
  expect(it.made[0]?.alone(it.now())).toBe(false);
});

test("messages that have gone on are counted by the pod's own bucket where a call has no answer", async () => {
  const it = bench(small);
  let short = 0;
  for (let count = 1; count <= 12; count += 1) it.made[0]?.spend(1, it.now(), () => (short += 1));
  await turn();
  await it.link.open[0]?.fail();
  expect(short).toBe(2);
});

test.each([[""], ["1 0"], ["1 0 x"], [[1, 0, 0]], [null]])("an answer of another form, %j, is none", async (answer) => {
  const it = bench(small);
  it.ask();
  await turn();
  await it.link.open[0]?.say(answer);
  expect([it.answers(), it.made[0]?.available(it.now())]).toEqual([1, 9]);
});

test("a key that is no bucket fails its own pocket only", async () => {
  const it = bench(small, small);
  for (const at of [0, 1]) it.ask(at);
  await turn();
  await it.link.open[0]?.answer(-1, 0, 0, 1, 0, 0);
  expect(it.made.map((pocket) => pocket.least(10, it.now()))).toEqual([0, 2]);
});

test("what is held is not used when its lease in the store is over", async () => {
  const it = bench(wide);
  await filled(it);
  it.clock.advance(6_000);
  expect(it.made[0]?.take(1, it.now())).toBe(true);
  it.clock.advance(4_000);
  expect(it.made[0]?.take(1, it.now())).toBe(true);
  it.link.available = false; // no renewal
  it.clock.advance(4_500);
  await turn();
  it.link.available = true;
  expect(it.made[0]?.available(it.now())).toBe(10);
  it.clock.advance(1);
  expect([it.made[0]?.available(it.now()), it.made[0]?.take(1, it.now())]).toEqual([0, false]);
});

test("a quiet pocket gives back within 7 s, and then costs nothing", async () => {
  const it = bench(wide, wide);
  for (const at of [0, 1]) it.ask(at);
  await turn();
  await it.link.grant();
  it.clock.advance(6_740);
  await turn();
  expect(it.link.sent).toBe(1);
  it.clock.advance(260);
  await turn();
  expect(it.link.open.map(({ lines }) => lines)).toMatchObject([
    [
      { holds: 0, back: 12 },
      { holds: 0, back: 12 },
    ],
  ]);
  await it.link.grant();
  it.clock.advance(60_000);
  await turn();
  expect([it.link.sent, it.clock.pending]).toEqual([2, 0]);
});

test("the rounds of a busy pocket do not look for quiet ones: that is done once a second", async () => {
  const it = bench(wide, small);
  it.clock.advance(1000 - (it.now() % 1000));
  await filled(it);
  const gave: number[] = [];
  for (let ms = 0; ms < 7_500; ms += 10) {
    it.clock.advance(10);
    it.ask(1);
    await turn();
    for (const { lines } of it.link.open) if (lines.some(({ back }) => back > 0)) gave.push(ms + 10);
    while (it.link.open.length > 0) await it.link.grant();
  }
  expect(gave).toEqual([7_000]);
});

test("quiet pockets that are more than a round may have all give back, 200 in each round", async () => {
  const it = bench(...Array.from({ length: 1500 }, () => wide));
  for (const at of it.made.keys()) it.ask(at);
  await turn();
  while (it.link.open.length > 0) await it.link.grant();
  await turn();
  while (it.link.open.length > 0) await it.link.grant();
  it.clock.advance(7_000);
  let back = 0;
  for (let round = 0; round < 8; round += 1) {
    await turn();
    const lines = it.link.open.flatMap((call) => call.lines);
    expect(lines.length).toBeLessThanOrEqual(200);
    back += lines.filter((line) => line.back > 0).length;
    while (it.link.open.length > 0) await it.link.grant();
    it.clock.advance(0);
  }
  expect(back).toBe(1500);
});

test("a look at many pockets goes on where the round before it stopped", async () => {
  const it = bench(...Array.from({ length: 1500 }, () => wide));
  for (const at of it.made.keys()) it.ask(at);
  while (it.link.open.length > 0 || it.link.sent === 0) {
    await turn();
    while (it.link.open.length > 0) await it.link.grant();
  }
  const [first] = it.made;
  if (first === undefined) throw new Error("no pocket");
  const told = Reflect.get(first, "told") as number;
  let looked = 0;
  Object.defineProperty(first, "told", { get: () => ((looked += 1), told), set: () => {} });
  it.clock.advance(4_000);
  first.take(1, it.now());
  it.clock.advance(3_000);
  const from = it.link.sent;
  for (let round = 0; round < 8; round += 1) {
    await turn();
    while (it.link.open.length > 0) await it.link.grant();
    it.clock.advance(0);
  }
  expect(it.link.sent - from).toBeGreaterThan(10);
  expect(looked).toBeLessThanOrEqual(3);
});

test("a pocket that spends slowly tells the store what it holds before its lease is over", async () => {
  const it = bench(wide);
  await filled(it);
  for (const ms of [3000, 4000, 4000]) {
    it.clock.advance(ms);
    it.made[0]?.take(1, it.now());
    await turn();
  }
  expect(it.link.sent).toBe(1);
  for (let ms = 0; ms < 1000; ms += 250) {
    it.clock.advance(250);
    await turn();
  }
  expect(it.link.open[0]?.lines).toMatchObject([{ holds: 9, back: 0 }]);
});

test("messages of a Shadow limit wait for nothing; their hits are counted when the answer is there", async () => {
  const it = bench({ ...small, limit: 1, burst: 2 });
  let hits = 0;
  const hit = (): void => void (hits += 1);
  for (let n = 0; n < 5; n += 1) it.made[0]?.spend(1, it.now(), hit);
  expect(hits).toBe(0);
  await turn();
  await it.link.open[0]?.answer(2, 1_000_000, 0);
  expect(hits).toBe(3);
  it.made[0]?.spend(1, it.now(), hit); // the store said so a moment ago
  expect(hits).toBe(4);
});

test("of messages of Shadow limits that wait for one bucket 1,000 are remembered, and the pod judges the others", async () => {
  const it = bench(small);
  let hits = 0;
  for (let n = 0; n < 3000; n += 1) it.made[0]?.spend(1, it.now(), () => void (hits += 1));
  expect(hits).toBe(1990);
  await turn();
  expect(it.link.open[0]?.lines).toMatchObject([{ need: 1000 }]);
});

test("a changed limit applies at once, and the store is asked by it", async () => {
  const it = bench(small);
  it.ask();
  await turn();
  await it.link.refuse(1000);
  it.made[0]?.reshape(wide, it.now());
  expect(it.made[0]?.unknown(1, it.now())).toBe(true);
});

test("what is held of another burst is given up at once, and so is what an answer under way brings ahead", async () => {
  const it = bench({ limit: 1000, interval: 1000, burst: 1000 });
  await filled(it);
  const [pocket] = it.made;
  pocket?.reshape({ limit: 500, interval: 1000, burst: 1000 }, it.now());
  expect(pocket?.available(it.now())).toBe(63);
  let took: boolean | undefined;
  pocket?.ask(100, it.now(), () => (took = pocket.take(100, it.now())));
  await turn();
  pocket?.reshape(wide, it.now());
  expect(pocket?.available(it.now())).toBe(0);
  await it.link.grant();
  expect([took, pocket?.available(it.now())]).toEqual([false, 0]);
  expect(pocket?.unknown(1, it.now())).toBe(true);
});

test("one round is under way at a time; what comes up meanwhile goes with the next", async () => {
  const it = bench(small, small);
  it.ask(0);
  await turn();
  it.ask(1);
  await turn();
  expect(it.link.sent).toBe(1);
  await it.link.grant();
  await turn();
  expect([it.link.sent, it.link.open[0]?.lines.length]).toEqual([2, 1]);
});

test("a call has 100 subjects at most, and a round 1,000", async () => {
  const it = bench(...Array.from({ length: 1500 }, () => small));
  for (const at of it.made.keys()) it.ask(at);
  await turn();
  expect(it.link.open.map(({ lines }) => lines.length)).toEqual(Array(10).fill(100));
  for (let n = 0; n < 10; n += 1) await it.link.grant();
  await turn();
  expect(it.link.open.map(({ lines }) => lines.length)).toEqual(Array(5).fill(100));
});

test("closed, they give all back, let go on what waits, and count for this process alone", async () => {
  const it = bench(wide, small);
  await filled(it);
  it.ask(1);
  const closed = it.pockets.close();
  await turn();
  expect(it.link.open[0]?.lines).toMatchObject([{ holds: 0, back: 12 }]);
  await it.link.grant();
  await closed;
  expect([it.answers(), it.made[1]?.available(it.now())]).toEqual([2, 9]);
  expect(it.clock.pending).toBe(0);
});
