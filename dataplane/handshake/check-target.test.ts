import { expect, test } from "vitest";
import { path as routePath } from "../../api/names.ts";
import { leastTime } from "../../test/fakes/least-time.ts";
import { checkTarget, hostOf, portOf } from "./check-target.ts";

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

test.each<[string, string, string, string]>([
  ["http://a.test/ws", "a.test", "/ws", ""],
  ["HTTP://A.Test/ws", "a.test", "/ws", ""],
  ["ws://a.test/ws?x=/../y", "A.TEST", "/ws", "x=/../y"],
  ["wss://a.test/ws?", "a.test", "/ws", ""],
  ["https://a.test/ws?u=http://b.test//", "a.test", "/ws", "u=http://b.test//"],
  ["http://a.test", "a.test", "/", ""],
  ["http://a.test?x", "a.test", "/", "x"],
  ["http://a.test:80/ws", "a.test", "/ws", ""],
  ["ws://a.test/ws", "a.test:80", "/ws", ""],
  ["https://a.test:443/ws", "a.test", "/ws", ""],
  ["wss://a.test/ws", "a.test:443", "/ws", ""],
  ["http://a.test:8080/ws", "a.test:8080", "/ws", ""],
  ["http://[::1]:8080/ws", "[::1]:8080", "/ws", ""],
  ["http://[2001:DB8::1]/ws", "[2001:db8::1]:80", "/ws", ""],
])("%s names the Host %s: its path is %s", (target, authority, path, query) => {
  expect(checkTarget(target, authority)).toEqual({ path, query });
});

test.each<[string, string]>([
  ["http://b.test/ws", "a.test"],
  ["http://a.test.evil.test/ws", "a.test"],
  ["http://evil.test#a.test/ws", "a.test"],
  ["http://evil.test?a.test/ws", "a.test"],
  ["http://evil.test\\a.test/ws", "a.test"],
  ["http://a.test:8080/ws", "a.test"],
  ["http://a.test/ws", "a.test:8080"],
  ["http://a.test:443/ws", "a.test"],
  ["https://a.test:80/ws", "a.test"],
  ["https://a.test/ws", "a.test:80"],
  ["http://a.test:0/ws", "a.test"],
  ["http://a.test:/ws", "a.test"],
  ["http://a.test:65616/ws", "a.test"],
  ["http://a.test:x/ws", "a.test"],
  ["http://user@a.test/ws", "a.test"],
  ["http://a.test@evil.test/ws", "a.test"],
  ["http://user:secret@a.test/ws", "a.test"],
  ["http://a.test%2eevil.test/ws", "a.test"],
  ["http://%61.test/ws", "a.test"],
  ["http:///ws", "a.test"],
  ["http:///ws", ""],
  ["http://", ""],
  ["http://a.test/ws", ""],
  ["http:/a.test/ws", "a.test"],
  ["http:a.test/ws", "a.test"],
  ["http:\\\\a.test/ws", "a.test"],
  ["ftp://a.test/ws", "a.test"],
  ["file://a.test/ws", "a.test"],
  ["httpx://a.test/ws", "a.test"],
  ["javascript://a.test/ws", "a.test"],
  ["a.test/ws", "a.test"],
  ["a.test:80", "a.test:80"],
  ["*", "a.test"],
  ["http://a.test//ws", "a.test"],
  ["http://a.test/ws/../admin", "a.test"],
  ["http://a.test/%2e%2e/admin", "a.test"],
  ["http://a.test/a%2Fb", "a.test"],
  ["http://a.test/a%5Cb", "a.test"],
  ["http://a.test\\ws", "a.test"],
  ["http://a.test/ws\\x", "a.test"],
  ["http://a.test#x", "a.test"],
  ["http://a.test/ws#x", "a.test"],
  ["http://a.test/%00", "a.test"],
  ["http://a.test/\u00e9", "a.test"],
])("%j is refused as ambiguous where the Host is %j", (target, authority) => {
  expect(checkTarget(target, authority)).toMatchObject({ reason: "AmbiguousTarget" });
});

test("an absolute target of 8,192 bytes passes, one more is too long, and none takes more than 5 ms", () => {
  const target = (length: number): string => "http://a.test/".padEnd(length, "a");
  expect(checkTarget(target(8192), "a.test")).toHaveProperty("path");
  expect(checkTarget(target(8193), "a.test")).toMatchObject({ reason: "TargetTooLong" });
  for (const part of ["a.", "[", ":", "@", "%", ":80", "//"]) {
    const hostile = `http://${part.repeat(4000)}`;
    expect(leastTime(() => void checkTarget(hostile.slice(0, 8192), "a.test"))).toBeLessThan(5);
  }
});

test.each([
  ["a.test", undefined],
  ["a.test:8080", 8080],
  ["a.test:0080", 80],
  ["a.test:0", 0],
  ["[::1]", undefined],
  ["[::1]:8443", 8443],
  ["127.0.0.1:80", 80],
])("the port of %s is %s", (authority, port) => {
  expect(portOf(authority)).toBe(port);
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
