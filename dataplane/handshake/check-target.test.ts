import { expect, test } from "vitest";
import { path as routePath } from "../../api/names.ts";
import { checkTarget, hostOf } from "./check-target.ts";

test.each([
  "/",
  "/ws",
  "/ws/",
  "/ws;a=b",
  "/a%20b",
  "/caf%C3%A9",
  "/ws?x=1",
  "/ws?x=/../y",
  "/ws?u=http://a//b",
  "/...",
  "/.well-known/x",
  "/a..b",
  "/ws?%00",
])("%s is unambiguous and stays as it is", (target) => {
  const [path, query = ""] = target.split(/\?(.*)/s);
  expect(checkTarget(target)).toEqual({ path, query });
});

test.each([
  "",
  "*",
  "ws",
  "?x",
  "http://169.254.169.254/latest",
  "//ws",
  "/ws//x",
  "//evil.test/ws",
  "/ws/../admin",
  "/ws/..",
  "/./ws",
  "/ws/%2e%2e/admin",
  "/ws/%2E%2e/admin",
  "/ws/.%2e/admin",
  "/ws/%2e./admin",
  "/%252e%252e/admin",
  "/%c0%ae%c0%ae/admin",
  "/user/..;foo=bar/admin",
  "/user/..%3bfoo=bar/admin",
  "/user/.;/admin",
  "/a%2Fb",
  "/a%5Cb",
  "/ws\\..\\admin",
  "/ws#/../admin",
  "/ws?a#b",
  "/%00",
  "/%0d%0aX:1",
  "/%7f",
  "/%c2%85",
  "/a%C2%9f",
  "/%",
  "/%zz",
  "/%ff",
  "/a b",
  "/\u00e9",
  "/a\u0000b",
])("%j is refused as ambiguous", (target) => {
  expect(checkTarget(target)).toMatchObject({ reason: "AmbiguousTarget" });
});

test("a path that a route may have is one that a request may have", () => {
  const pieces = ["/", ".", "%2e", "%2E", "a", ";", "%3b", "%3B", "%2f", "%c2%85", "%C2%A0", "%e2%82%ac", "%0a", "%20"];
  const words = ["", ...pieces].flatMap((a) => pieces.flatMap((b) => pieces.map((c) => `/${a}${b}${c}`)));
  const written = words.filter((word) => routePath.safeParse(word).success);
  expect(written.length).toBeGreaterThan(100);
  expect(written.filter((word) => "reason" in checkTarget(word))).toEqual([]);
});

test("a target of 8192 bytes passes, one more is too long", () => {
  expect(checkTarget(`/${"a".repeat(8191)}`)).toHaveProperty("path");
  expect(checkTarget(`/${"a".repeat(8192)}`)).toMatchObject({ reason: "TargetTooLong" });
});

test.each([
  ["a.test", "a.test"],
  ["A.TEST:8080", "a.test"],
  ["a.test.", "a.test"],
  ["[2001:DB8::1]:80", "[2001:db8::1]"],
  ["127.0.0.1:8080", "127.0.0.1"],
])("the host of %s is %s", (authority, host) => {
  expect(hostOf(authority)).toBe(host);
});

const LABEL = "a".repeat(63);
const NAME = `${LABEL}.${LABEL}.${LABEL}.${"a".repeat(61)}`;

test("a host name has 253 characters at most, and labels of 63", () => {
  expect(NAME).toHaveLength(253);
  for (const authority of [NAME, `${NAME}.`, `${NAME}.:65535`, "a.".repeat(126)]) {
    expect(hostOf(authority), authority).toBe(authority.replace(/\.?(:65535)?$/, ""));
  }
  for (const authority of [`${NAME}a`, `a.${NAME}`, `${"a".repeat(64)}.test`, "a.".repeat(8000), "a".repeat(16_000)]) {
    expect(hostOf(authority), authority).toBeUndefined();
  }
});

test.each(["", ":80", "a b", "a/b", "user@a.test", "a.test:99999", "a..test", ".test", "a.test:80:90", "a,b", "a\tb"])(
  "%j is no Host",
  (authority) => {
    expect(hostOf(authority)).toBeUndefined();
  },
);
