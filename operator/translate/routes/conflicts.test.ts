import { expect, test } from "vitest";
import { Claims, type Claim } from "./conflicts.ts";

const claim = (name: string, hostnames: string[], value = "/", type: "Prefix" | "Exact" = "Prefix"): Claim => ({
  name,
  hostnames,
  path: { type, value },
});

function second(first: Claim, other: Claim): { conflicts: boolean; taken: string[] } {
  const claims = new Claims();
  claims.enter(first);
  return { conflicts: claims.conflicts(other), taken: [...claims.taken(other).keys()] };
}

test.each<[string, Claim, Claim]>([
  ["two paths", claim("a", ["x"], "/a"), claim("b", ["x"], "/b")],
  ["a path and the same with a slash behind it", claim("a", ["x"], "/a"), claim("b", ["x"], "/a/")],
  ["a path in two spellings", claim("a", ["x"], "/a"), claim("b", ["x"], "/A")],
  ["an exact path and a prefix", claim("a", ["x"], "/a", "Exact"), claim("b", ["x"], "/a")],
  ["two hosts", claim("a", ["x"]), claim("b", ["y"])],
  ["a host and any host", claim("a", ["x"]), claim("b", [])],
  ["a host and a wildcard above it", claim("a", ["x.y"]), claim("b", ["*.y"])],
  ["two wildcards", claim("a", ["*.x.y"]), claim("b", ["*.y"])],
])("%s do not conflict", (_, first, other) => {
  expect(second(first, other)).toEqual({ conflicts: false, taken: [] });
});

test.each<[string, Claim, Claim, string[]]>([
  ["no host in either", claim("a", []), claim("b", []), ["*"]],
  ["the same host", claim("a", ["x"]), claim("b", ["x"]), ["x"]],
  ["the same hosts in another order", claim("a", ["x", "y"]), claim("b", ["y", "x"]), ["y", "x"]],
  ["one of the first's hosts", claim("a", ["x", "y"]), claim("b", ["y"]), ["y"]],
  ["the same host twice", claim("a", ["x"]), claim("b", ["x", "x"]), ["x"]],
])("%s on the same path leaves the later route no host", (_, first, other, taken) => {
  expect(second(first, other)).toEqual({ conflicts: true, taken });
});

test("a route is accepted as long as one of its hosts is its own, and then serves that", () => {
  const claims = new Claims();
  claims.enter(claim("a", ["x"]));
  const other = claim("b", ["x", "y"]);
  expect(claims.conflicts(other)).toBe(false);
  expect([...claims.taken(other)]).toEqual([["x", "a"]]);
  claims.enter(other);
  expect([...claims.taken(claim("c", ["y", "x"]))]).toEqual([
    ["y", "b"],
    ["x", "a"],
  ]);
});
