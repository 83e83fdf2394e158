import { expect, test } from "vitest";
import { leastTime } from "../../test/fakes/least-time.ts";
import { Router } from "./router.ts";

const route = (name: string, hostnames: string[], value: string, type: "Prefix" | "Exact" = "Prefix") => ({
  name,
  hostnames,
  path: { type, value },
});

const find = (routes: ReturnType<typeof route>[], host: string, path: string): string | undefined =>
  new Router(routes).find(host, path)?.name;

test("an exact host goes before a wildcard, a wildcard before no host, whatever the order", () => {
  const routes = [route("any", [], "/"), route("wild", ["*.example.com"], "/"), route("exact", ["a.example.com"], "/")];
  for (const order of [routes, routes.toReversed()]) {
    expect(find(order, "a.example.com", "/")).toBe("exact");
    expect(find(order, "b.example.com", "/")).toBe("wild");
    expect(find(order, "example.com", "/")).toBe("any");
    expect(find(order, "other.test", "/")).toBe("any");
  }
});

test("the longest wildcard goes first and stands for one or more labels", () => {
  const routes = [route("short", ["*.com"], "/"), route("long", ["*.example.com"], "/")];
  expect(find(routes, "x.y.example.com", "/")).toBe("long");
  expect(find(routes, "example.com", "/")).toBe("short");
  expect(find(routes, "com", "/")).toBeUndefined();
});

test("an Exact path goes before any Prefix, a longer Prefix before a shorter", () => {
  const routes = [
    route("root", [], "/"),
    route("chat", [], "/chat"),
    route("room", [], "/chat/room"),
    route("one", [], "/chat/room", "Exact"),
  ];
  expect(find(routes, "h", "/chat/room")).toBe("one");
  expect(find(routes, "h", "/chat/room/1")).toBe("room");
  expect(find(routes, "h", "/chat/x")).toBe("chat");
  expect(find(routes, "h", "/elsewhere")).toBe("root");
});

test.each([
  ["/chat", true],
  ["/chat/", true],
  ["/chat/a", true],
  ["/chatter", false],
  ["/Chat", false],
  ["/cha", false],
])("the prefix /chat and the path %s: %s", (path, fits) => {
  expect(find([route("chat", [], "/chat")], "h", path)).toBe(fits ? "chat" : undefined);
});

test("where the paths of a host do not fit, a less specific host may serve", () => {
  const routes = [route("narrow", ["a.test"], "/only"), route("wide", [], "/")];
  expect(find(routes, "a.test", "/only")).toBe("narrow");
  expect(find(routes, "a.test", "/else")).toBe("wide");
});

test("a wildcard is found below names that are deeper than any wildcard", () => {
  const routes = [route("two", ["*.b.test"], "/"), route("four", ["*.x.y.b.test"], "/deep")];
  const host = `${"a.".repeat(100)}x.y.b.test`;
  expect(find(routes, host, "/deep")).toBe("four");
  expect(find(routes, host, "/")).toBe("two");
  expect(find(routes, "y.b.test", "/deep")).toBe("two");
  expect(find(routes, "b.test", "/")).toBeUndefined();
  expect(find(routes, "a.b.test.evil", "/")).toBeUndefined();
});

test("a host of many labels costs no more where there is no wildcard that deep", () => {
  const router = new Router([route("exact", ["a.test"], "/"), route("wild", ["*.b.test"], "/")]);
  const took = (host: string): number =>
    leastTime(() => {
      for (let n = 0; n < 1000; n += 1) router.find(host, "/");
    });
  // Longer than a Host may be, so that what grows with the labels shows: it would be a thousand times as much.
  expect(took("a.".repeat(8000))).toBeLessThan(20 * took("a.a.a.a") + 5);
});

test("one among 10,000 hosts is found like one among one", () => {
  const many = Array.from({ length: 10_000 }, (_, index) => route(`r${index}`, [`h${index}.test`], "/"));
  expect(find(many, "h0.test", "/")).toBe("r0");
  expect(find(many, "h9999.test", "/x")).toBe("r9999");
  expect(find(many, "h10000.test", "/")).toBeUndefined();
});
