import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Fields, Log } from "../runtime/log.ts";
import { accessLine, accessLog, type Access, type AccessEvent, type AccessWatch } from "./access-log.ts";

function lines(access: Access = "All", watch?: AccessWatch): { log: Log; written: Fields[] } {
  const written: Fields[] = [];
  const line = (fields: Fields, message: string): void => void written.push({ ...fields, message });
  return { log: accessLog({ debug: line, info: line, warn: line, error: line }, "demo/chat", access, watch), written };
}

/** The words of every event's line. */
const WORDS: Readonly<Record<AccessEvent, string>> = {
  SessionOpened: "session opened",
  SessionClosed: "session closed",
  HandshakeRefused: "handshake refused",
  TlsFailed: "TLS handshake failed",
  LimitExceeded: "limit exceeded",
};
const EVENTS = Object.keys(WORDS) as AccessEvent[];

test.each<[Access, readonly AccessEvent[]]>([
  ["All", ["SessionOpened", "SessionClosed", "HandshakeRefused", "TlsFailed", "LimitExceeded"]],
  ["Refused", ["HandshakeRefused", "TlsFailed", "LimitExceeded"]],
  ["None", []],
])("access %s shows %j, and every line without an event", (access, shown) => {
  const { log, written } = lines(access);
  for (const event of EVENTS) accessLine(log, event, {});
  for (const message of [...Object.values(WORDS), "key set fetched again"]) log.info({}, message);
  const others = [...Object.values(WORDS), "key set fetched again"].map((message) => ({ message }));
  const wanted = [...shown.map((event) => ({ event, message: WORDS[event] })), ...others];
  expect(written).toEqual(wanted.map((line) => ({ proxy: "demo/chat", ...line })));
});

test("the page lists every event, its words, and the values of log.access that show it", () => {
  const page = readFileSync(new URL("../docs/reference/log.md", import.meta.url), "utf8");
  const rows = [...page.matchAll(/^\| ([A-Z]\w+) \| ([A-Za-z ]+) \| ([\w, ]+) \|/gm)].map((row) => row.slice(1));
  const shown = (event: AccessEvent): string[] =>
    (["All", "Refused", "None"] as const).filter((access) => {
      const { log, written } = lines(access);
      accessLine(log, event, {});
      return written.length > 0;
    });
  expect(rows).toEqual(EVENTS.map((event) => [event, WORDS[event], shown(event).join(", ")]));
});

test("what watches is told of the events that it wants, in the log's words, and of what stands beside them", () => {
  const told: unknown[] = [];
  const watch: AccessWatch = {
    wants: (event) => event !== "TlsFailed",
    tell: (event, line, beside) => void told.push([event, line, beside]),
  };
  const { log, written } = lines("None", watch);
  const beside = { token: "secret" };
  accessLine(log, "HandshakeRefused", { status: 403, token: "secret", cause: "a\nb" }, beside);
  accessLine(log, "TlsFailed", { cause: "no" });
  log.info({ beside, status: 1 }, "no event");
  const line = { proxy: "demo/chat", event: "HandshakeRefused", status: 403, cause: "a\uFFFDb" };
  expect(told).toEqual([["HandshakeRefused", line, beside]]);
  expect(written).toEqual([{ proxy: "demo/chat", status: 1, message: "no event" }]);
});

test("an event that is not in the table filters nothing", () => {
  const { log, written } = lines("None");
  for (const event of ["session opened", "toString", 7]) log.info({ event }, "m");
  expect(written).toHaveLength(3);
});

test.each(["debug", "info", "warn", "error"] as const)(
  "a line of level %s says which proxy, and only what it may",
  (level) => {
    const { log, written } = lines("None");
    log[level]({ status: 403, token: "secret", query: "a=b", headers: { authorization: "x" }, route: undefined }, "m");
    expect(written).toEqual([{ proxy: "demo/chat", status: 403, message: "m" }]);
  },
);

test("text is bounded and on one line, whichever field it stands in", () => {
  const { log, written } = lines();
  log.info({ subprotocol: "a".repeat(10_000), client: 'eve\r\n{"level":"info"}', cause: "\u001b[2J" }, "m");
  expect(written[0]).toMatchObject({
    subprotocol: `${"a".repeat(256)}…`,
    client: 'eve\uFFFD\uFFFD{"level":"info"}',
    cause: "\uFFFD[2J",
  });
});

test("of an error stand its words, and nothing that hangs on it", () => {
  const { log, written } = lines();
  log.error({ err: Object.assign(new TypeError("Invalid URL"), { input: "/?token=secret" }) }, "handshake failed");
  expect(written[0]).toMatchObject({ err: { name: "TypeError", message: "Invalid URL" } });
  expect(JSON.stringify(written)).not.toContain("secret");
});

test("of an error's stack stand the first 12 lines", () => {
  const { log, written } = lines();
  const deep = new Error("deep");
  deep.stack = Array.from({ length: 50 }, (_, n) => `    at frame ${n}`).join("\n");
  log.error({ err: deep }, "handshake failed");
  const stack = Array.from({ length: 12 }, (_, n) => `at frame ${n}`);
  expect(written[0]?.["err"]).toEqual({ name: "Error", message: "deep", stack });
});
