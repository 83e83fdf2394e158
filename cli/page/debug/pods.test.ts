import { expect, test } from "vitest";
import { readFailures, readPods, readTrouble } from "./events.js";
import { Pods } from "./pods.js";

const failure = (pod: string, message = "timeout") => ({ pod, message });
/** Pods, and the time at which they are told something, in ms. */
function watched() {
  const pods = new Pods();
  const it = { pods, now: 0 };
  return {
    ...it,
    later: (ms: number): number => (it.now += ms),
    told: (names: string[], ...failures: object[]) => pods.told(readPods({ pods: names, failures }), it.now),
    trouble: (trouble: object) => pods.trouble(readTrouble(trouble), it.now),
    asked: (...failures: unknown[]) => pods.asked(readFailures({ failures }), it.now),
    troubles: () => pods.troubles(it.now),
    news: () => pods.news(it.now),
  };
}

test("pods that come and go are told for a while; those that were there at the beginning are no news", () => {
  const { told, news, later } = watched();
  told(["a", "b"]);
  later(2000);
  expect(news()).toBe("");
  told(["b", "c"]);
  later(1000);
  expect(news()).toBe("c joined, a left");
  told(["b", "c", "d", "e", "f"]);
  later(1000);
  expect(news()).toBe("4 pods joined, a left");
  later(20_000);
  expect(news()).toBe("");
});

test("a stream that breaks for a moment is no news, and no trouble", () => {
  const { told, trouble, troubles, news, later } = watched();
  told(["a", "b"]);
  told(["b"]);
  trouble({ pod: "a", message: "the pod a is gone" });
  later(900);
  told(["a", "b"]);
  later(5000);
  expect([news(), troubles()]).toEqual(["", []]);
});

test("a pod that ends is in trouble for a moment, which is told as its end only", () => {
  const { told, trouble, troubles, news, later } = watched();
  told(["a", "b"]);
  told(["b"]);
  trouble({ pod: "a", message: "the pod a is gone" });
  later(2000);
  expect(troubles()).toEqual([]);
  told(["b"]);
  later(1000);
  expect([news(), troubles()]).toEqual(["a left", []]);
});

test("a pod has one trouble, the newest, until its stream opens again", () => {
  const { told, trouble, asked, troubles, later } = watched();
  told(["a", "b"]);
  trouble({ pod: "b", message: "timeout" });
  asked(failure("b", "an older word"), failure("a", "no config"));
  later(3000);
  expect(troubles()).toEqual([
    { pod: "a", message: "no config" },
    { pod: "b", message: "timeout" },
  ]);
  trouble({ pod: "b", message: "refused" });
  asked();
  expect(troubles()).toEqual([{ pod: "b", message: "refused" }]);
  told(["a"], failure("b", "refused"));
  expect(troubles(), "it goes on").toHaveLength(1);
  told(["a", "b"]);
  expect(troubles()).toEqual([]);
});

test("no pod is watched: that differs from a gateway without pods", () => {
  const { pods, told, trouble, troubles } = watched();
  expect(pods.none).toBe(false);
  trouble({ message: "no process answers" });
  expect(troubles()).toEqual([{ pod: undefined, message: "no process answers" }]);
  pods.speaks();
  expect(troubles()).toEqual([]);
  told([]);
  expect(pods.none).toBe(true);
  trouble({ message: "demo/chat has no pods" });
  trouble({ message: "demo/chat has no pods" });
  expect(troubles()).toHaveLength(1);
  pods.speaks();
  expect(troubles(), "pods are what it waits for").toHaveLength(1);
  told(["a"]);
  expect([pods.none, troubles()]).toEqual([false, []]);
});

test("what is about all pods can be dismissed, and a new stream begins without it", () => {
  const { pods, told, trouble, troubles, later } = watched();
  told(["a"], failure("b"));
  for (let at = 0; at < 10; at += 1) trouble({ message: `word ${at}` });
  expect(troubles().map(({ message }) => message)).toEqual(["word 9", "word 8", "word 7"]);
  pods.dismiss("word 8");
  later(3000);
  expect(troubles()).toHaveLength(3);
  pods.begin();
  expect([troubles(), pods.watched]).toEqual([[], undefined]);
});

test("a hostile gateway cannot make it grow", () => {
  const { told, trouble, asked, troubles, news, later } = watched();
  const names = (from: number) => Array.from({ length: 5000 }, (_, at) => `pod-${from + at}`);
  for (let round = 0; round < 5; round += 1) told(names(10_000 * round), ...names(7).map((pod) => failure(pod)));
  for (const pod of names(500_000)) trouble({ pod, message: "x".repeat(5000) });
  asked(...names(900_000).map((pod) => failure(pod)), 7, null, { pod: 7 });
  later(3000);
  expect(troubles().length).toBeLessThanOrEqual(2048);
  expect(troubles().every(({ message }) => message.length < 1100)).toBe(true);
  expect(news().length).toBeLessThan(100);
});
