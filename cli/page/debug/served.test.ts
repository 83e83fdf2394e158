import { expect, test } from "vitest";
import { readConfig } from "./events.js";
import { servedOf } from "./served.js";

const served = (...proxies: object[]) => servedOf(readConfig({ proxies, more: 0 }));
const pod = (name: string, generation: number | undefined, more: object = {}) => ({
  pod: name,
  proxy: "demo/chat",
  generation,
  ...more,
});

test("one process says which generation it serves", () => {
  expect(served({ proxy: "demo/chat", generation: 7 })).toEqual({
    title: "1 proxy",
    detail: "gen 7",
    problem: false,
    lines: [{ name: "demo/chat", words: "generation 7", bad: false }],
  });
});

test("pods that serve different generations stand out", () => {
  expect(served(pod("a", 7), pod("b", 7))).toMatchObject({ title: "2 pods", detail: "gen 7", problem: false });
  expect(served(pod("a", 7), pod("b", 6), pod("c", 7))).toMatchObject({
    title: "3 pods",
    detail: "gen 7 (2), 6 (1)",
    problem: true,
  });
});

test("a config that was refused or is gone stands out, with the first reason", () => {
  const rejected = { hash: "x", stage: "config", problems: ["unknown field\u202e", "second"] };
  expect(served(pod("a", 7, { rejected }), pod("b", undefined, { removed: true }))).toEqual({
    title: "2 pods",
    detail: "gen 7 (1), none (1) · config refused or gone",
    problem: true,
    lines: [
      { name: "a · demo/chat", words: "generation 7; it refused a newer one: unknown field‹U+202E›", bad: true },
      { name: "b · demo/chat", words: "its config was removed", bad: true },
    ],
  });
  expect(served()).toMatchObject({ title: "nothing", problem: true });
});

test("a thousand pods are a list of forty, and a count", () => {
  const many = Array.from({ length: 1000 }, (_, at) => pod(`p${at}`, at));
  const { detail, lines } = served(...many);
  expect(detail).toBe("gen 0 (1), 1 (1), 2 (1) …");
  expect(lines).toHaveLength(41);
  expect(lines.at(-1)).toEqual({ name: "and 960 more", words: "", bad: false });
});

test("a pod that gives no answer stands out, before all others", () => {
  const failures = [{ pod: "c\u202e", message: "timeout\u001b" }];
  expect(servedOf(readConfig({ proxies: [pod("a", 7), pod("b", 7)] }), failures)).toEqual({
    title: "2 of 3 pods",
    detail: "gen 7",
    problem: true,
    lines: [
      { name: "c‹U+202E›", words: "no answer: timeout␛", bad: true },
      { name: "a · demo/chat", words: "generation 7", bad: false },
      { name: "b · demo/chat", words: "generation 7", bad: false },
    ],
  });
});
