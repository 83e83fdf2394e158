import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { Turns } from "../kube/turns.ts";
import { inSlices, Load, TooHeavy } from "./load.ts";
import type { Steps } from "../translate/steps.ts";

const { signal } = new AbortController();

test("a load is the sum of what was added; an `add` beyond its bound throws", () => {
  const load = new Load(100);
  load.add(60);
  load.add(40);
  expect(() => load.add(1)).toThrow(TooHeavy);
  expect(load.bytes).toBe(101);
});

test("passes that compute get on by a slice each, in turn, and each knows how long it computed", async () => {
  const clock = new FakeClock();
  const turns = new Turns(1);
  const order: string[] = [];
  function* steps(name: string, count: number): Steps<string> {
    for (let at = 0; at < count; at += 1) {
      order.push(name);
      clock.advance(5);
      yield;
    }
    return name;
  }
  const loads = [new Load(), new Load()];
  const made = await Promise.all([
    inSlices(steps("a", 7), loads[0] as Load, { clock, turns, signal }),
    inSlices(steps("b", 4), loads[1] as Load, { clock, turns, signal }),
  ]);
  expect(made).toEqual(["a", "b"]);
  expect(order.join("")).toBe("aaabbbaaaba");
  expect(loads.map(({ computed }) => computed)).toEqual([35, 20]);
});

test("everything else that is due is done after each slice", async () => {
  const clock = new FakeClock();
  let others = 0;
  function* steps(): Steps<number> {
    for (let at = 0; at < 10; at += 1) {
      setImmediate(() => (others += 1));
      clock.advance(20);
      yield;
    }
    return others;
  }
  expect(await inSlices(steps(), new Load(), { clock, turns: new Turns(1), signal })).toBeGreaterThan(7);
});

test("a pass that is aborted while others compute ends, and leaves them their turn", async () => {
  const turns = new Turns(1);
  const release = await turns.take(signal);
  const leaving = new AbortController();
  const steps = (function* (): Steps<number> {
    yield;
    return 1;
  })();
  const pass = inSlices(steps, new Load(), { clock: new FakeClock(), turns, signal: leaving.signal });
  leaving.abort(new Error("not leading"));
  await expect(pass).rejects.toThrow("not leading");
  release();
  expect(await turns.take(signal)).toBeTypeOf("function");
});
