import { expect, test } from "vitest";
import { FakeClock } from "../../../test/fakes/clock.ts";
import { FakeLink, turn } from "../../../test/fakes/fake-link.ts";
import { Pockets } from "./pockets.ts";

/** A pocket that holds 12 tokens. */
async function bench() {
  const [clock, link] = [new FakeClock(), new FakeLink()];
  const pockets = new Pockets({ link: () => link, prefix: "{t/p}:", id: "pod", clock });
  const now = (): number => clock.now();
  const pocket = pockets.bucket("attempts Route proxy", { limit: 100, interval: 1000, burst: 128 }, now());
  pocket.ask(1, now(), () => void pocket.take(1, now()));
  await turn();
  await link.grant();
  expect(pocket.available(now())).toBe(12);
  /** Has the pocket ask the store now, because more is waited for than is here. */
  const asks = async (): Promise<void> => {
    pocket.ask(50, now(), () => {});
    await turn();
  };
  return { clock, link, pockets, pocket, now, asks };
}

test("a loan that comes back is there for the next one, one that is used is not, and where none is here none is lent", async () => {
  const { pocket, now } = await bench();
  const loans = Array.from({ length: 12 }, () => pocket.lend(now()));
  expect(pocket.lend(now())).toBeUndefined();
  for (const loan of loans.slice(0, 2)) loan?.end(false);
  for (const loan of loans.slice(2)) loan?.end(true);
  expect(pocket.available(now())).toBe(2);
});

test("what is lent goes on to be held in the store, until it is known to be used", async () => {
  const { link, pocket, now, asks } = await bench();
  const [one, other] = [pocket.lend(now()), pocket.lend(now())];
  await asks();
  expect(link.open[0]?.lines).toMatchObject([{ holds: 12, need: 40 }]);
  one?.end(false);
  await link.open[0]?.answer(0, 0, 12);
  other?.end(true);
  expect(pocket.available(now())).toBe(11);
  await asks();
  expect(link.open[0]?.lines).toMatchObject([{ holds: 11, need: 39 }]);
});

test("what a flow did not use of its grant is not kept in the place of a loan", async () => {
  const { link, pocket, now, asks } = await bench();
  const loans = Array.from({ length: 12 }, () => pocket.lend(now()));
  await asks();
  await link.open[0]?.answer(50, 0, 12);
  expect(pocket.available(now())).toBe(0);
  for (const loan of loans) loan?.end(false);
  expect(pocket.available(now())).toBe(12);
});

test("the store has little while much is lent: a verdict on what it lacks falls without it", async () => {
  const { link, pocket, now } = await bench();
  for (let n = 0; n < 12; n += 1) pocket.lend(now());
  pocket.ask(1, now(), () => {});
  await turn();
  await link.refuse(5000);
  expect(pocket.unknown(1, now())).toBe(false);
});

test("a loan does not come back behind the lease in the store, nor after another burst or after all was given back", async () => {
  const late = await bench();
  const loan = late.pocket.lend(late.now());
  late.clock.advance(15_000);
  await late.asks();
  expect(late.link.open.at(-1)?.lines).toMatchObject([{ holds: 0 }]);
  loan?.end(false);
  expect(late.pocket.available(late.now())).toBe(0);

  const changed = await bench();
  const before = changed.pocket.lend(changed.now());
  changed.pocket.reshape({ limit: 100, interval: 1000, burst: 200 }, changed.now());
  await changed.asks();
  await changed.link.grant();
  const held = changed.pocket.available(changed.now());
  const after = changed.pocket.lend(changed.now());
  before?.end(false);
  after?.end(false);
  expect(changed.pocket.available(changed.now())).toBe(held);

  const closed = await bench();
  const other = closed.pocket.lend(closed.now());
  const closing = closed.pockets.close();
  await turn();
  expect(closed.link.open[0]?.lines).toMatchObject([{ back: 11, holds: 0 }]);
  await closed.link.open[0]?.answer(0, 0, 0);
  await closing;
  const left = closed.pocket.available(closed.now());
  other?.end(false);
  expect(closed.pocket.available(closed.now())).toBe(left);
});

test("while the pod counts alone nothing is lent", async () => {
  const { link, pocket, now } = await bench();
  link.available = false;
  expect(pocket.lend(now())).toBeUndefined();
});
