import { expect, test } from "vitest";
import { displayWidth } from "../line/display-width.ts";
import type { PodSession } from "./open-sessions.ts";
import { sessionTable, sumLine } from "./session-table.ts";
import { age, amountOfBytes, perSecond } from "./figures.ts";

const NOW = Date.parse("2026-01-01T01:00:00Z");

function session(more: Partial<PodSession>): PodSession {
  return {
    id: "s1",
    proxy: "demo/chat",
    route: "main",
    address: "192.0.2.7",
    since: "2026-01-01T00:00:00Z",
    messages: { fromClient: 1, fromBackend: 2 },
    bytes: { fromClient: 10, fromBackend: 20 },
    pod: "chat-a",
    ...more,
  };
}

test("a long, an empty and a wide client id keep the columns aligned", () => {
  const clients = ["x".repeat(256), "", "   ", "日本語のクライアント", "é\u0301\u0301combining", "👩‍💻", "alice"];
  const table = sessionTable(
    clients.map((client) => session({ client })),
    { wide: false, pods: true, now: NOW },
  );
  const lines = table.trimEnd().split("\n");
  expect(lines[1]).toMatch(/^x{47}… {2}main/);
  expect(lines[2]).toMatch(/^"" +main/);
  const starts = lines.map((line) => displayWidth(line.slice(0, line.search(/ (ROUTE|main) /))));
  expect(new Set(starts).size).toBe(1);
});

test("where sessions are of several proxies, a column says which", () => {
  const form = { wide: false, pods: true, now: NOW };
  expect(sessionTable([session({})], form)).not.toContain("PROXY");
  expect(sessionTable([session({}), session({ proxy: "demo/other" })], form)).toMatch(
    /^PROXY +CLIENT.*\ndemo\/chat +-/,
  );
});

test("sums say of how many sessions they are", () => {
  const found = { pods: ["chat-a"], failures: [], more: true, single: false, sessions: [session({}), session({})] };
  expect(sumLine(found)).toBe("the first 2 sessions on 1 pod; up 2 messages with 20 B, down 4 messages with 40 B");
});

test.each([
  ["2026-01-01T00:59:59Z", "1s"],
  ["2026-01-01T00:00:00Z", "1h0m"],
  ["2026-01-01T00:58:30Z", "1m30s"],
  ["2025-12-29T22:00:00Z", "2d3h"],
  ["2026-01-01T02:00:00Z", "0s"],
  ["no time", "-"],
])("the age of %s is %s", (since, expected) => {
  expect(age(since, NOW)).toBe(expected);
});

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.0 kB"],
  [9949, "9.9 kB"],
  [9950, "10 kB"],
  [999_499, "999 kB"],
  [999_500, "1.0 MB"],
  [123_456_789_012, "123 GB"],
  [Number.MAX_SAFE_INTEGER, "9.0 PB"],
])("%d bytes are %s", (bytes, expected) => {
  expect(amountOfBytes(bytes)).toBe(expected);
});

test("a rate has one decimal while it is small", () => {
  expect([undefined, 0, 0.25, 9.94, 9.96, 1234.5].map(perSecond)).toEqual(["-", "0.0", "0.3", "9.9", "10", "1235"]);
});
