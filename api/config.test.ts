import { expect, test } from "vitest";
import { proxyNameIn } from "./config.ts";

const proxy = { namespace: "demo", name: "chat", generation: 1 };

test("a config says for which proxy it is, whatever else is wrong with it", () => {
  expect(proxyNameIn({ proxy })).toBe("demo/chat");
  expect(proxyNameIn({ proxy, routes: 1, fromTheFuture: {} })).toBe("demo/chat");
});

test.each([
  ["nothing", undefined],
  ["null", null],
  ["a text", "demo/chat"],
  ["a list", [{ proxy }]],
  ["no proxy", {}],
  ["a proxy that is null", { proxy: null }],
  ["a proxy without a namespace", { proxy: { ...proxy, namespace: undefined } }],
  ["a name that is no name", { proxy: { ...proxy, name: "../chat" } }],
  ["a name that is an object", { proxy: { ...proxy, name: { toString: "chat" } } }],
  ["a proxy with an unknown field", { proxy: { ...proxy, uid: "1" } }],
])("%s says nothing", (_, raw) => {
  expect(proxyNameIn(raw)).toBe("");
});
