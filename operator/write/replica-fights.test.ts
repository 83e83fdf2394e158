import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { ReplicaFights } from "./replica-fights.ts";

const MINUTE = 60_000;
const HPA = "kube-controller-manager (subresource scale)";

/** Each time the number of `demo/chat` may be written back, it is changed again at once. */
function bench(wanted = 3) {
  const clock = new FakeClock();
  const fights = new ReplicaFights(clock);
  const change = (writer = HPA): number => {
    const waited = fights.wait("demo/chat", wanted);
    clock.advance(waited);
    fights.wroteBack("demo/chat", wanted, writer);
    return waited;
  };
  return { clock, fights, change, said: () => fights.remarks("demo/chat").join(" ") };
}

test("two changes are no fight: the number is written back at once, and nothing is said", () => {
  const { fights, change, said } = bench();
  expect([change(), change()]).toEqual([0, 0]);
  expect(said()).toBe("");
  expect(fights.again("demo/chat")).toBeUndefined();
});

test("from the third on the number is written back after a wait, which grows to a minute", () => {
  const { change } = bench();
  expect(Array.from({ length: 9 }, () => change())).toEqual([0, 0, 0, 5000, 10_000, 20_000, 40_000, 60_000, 60_000]);
});

test("the sentence names the writers, stays the same while the fight lasts, and goes ten minutes after its end", () => {
  const { clock, fights, change, said } = bench();
  for (let at = 0; at < 3; at += 1) change();
  const first = said();
  expect(first).toMatch(/: kube-controller-manager \(subresource scale\)\. Remove spec\.gateway\.replicas/);
  for (let at = 0; at < 20; at += 1) change();
  expect(said()).toBe(first);
  change("kubectl-edit");
  expect(said()).toContain(`${HPA}, kubectl-edit.`);
  for (let at = 0; at < 9 && said() !== ""; at += 1) clock.advance(fights.again("demo/chat") ?? Number.NaN);
  expect(said()).toBe("");
  expect(fights.again("demo/chat")).toBeUndefined();
  expect(fights.wait("demo/chat", 3)).toBe(0);
});

test("a number that waits is written back although the fight ends meanwhile", () => {
  const { clock, fights, change, said } = bench();
  change();
  clock.advance(5 * MINUTE);
  change();
  clock.advance(5 * MINUTE - 1000);
  change();
  expect(said()).not.toBe("");
  clock.advance(fights.again("demo/chat") ?? Number.NaN);
  expect(said()).toBe("");
  expect(fights.wait("demo/chat", 3)).toBe(4000);
  expect(fights.again("demo/chat")).toBe(4000);
});

test("three changes in more than ten minutes are no fight", () => {
  const { clock, change, said } = bench();
  for (let at = 0; at < 12; at += 1) {
    expect(change()).toBe(0);
    clock.advance(6 * MINUTE);
    expect(said()).toBe("");
  }
});

test("an edit of the number is not held up, and begins anew", () => {
  const { fights, change, said } = bench();
  for (let at = 0; at < 5; at += 1) change();
  expect(fights.wait("demo/chat", 3)).toBeGreaterThan(0);
  expect(fights.wait("demo/chat", 4)).toBe(0);
  expect(said()).toBe("");
});

test("proxies fight apart, and one that is gone leaves nothing; names and their number are bounded", () => {
  const { fights, change, said } = bench();
  for (const writer of ["a", "b", "c", "d", "x".repeat(5000)]) change(writer);
  expect(said()).toMatch(/: a, b, c\. Remove/);
  expect(fights.remarks("demo/other")).toEqual([]);
  fights.forget("demo/chat");
  expect(said()).toBe("");
  for (const writer of ["x".repeat(5000), "b", "c"]) change(writer);
  expect(said().length).toBeLessThan(700);
});
