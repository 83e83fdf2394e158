import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { FakeAdminProcess } from "../../test/fakes/admin-process.ts";
import { until } from "../../test/fakes/sockets.ts";
import { processTarget } from "../live/process-target.ts";
import { watchSessions } from "./watch-sessions.ts";

/** What a terminal of that size is sent. */
function terminal(columns: number, rows: number): { out: never; sent: () => string } {
  const out = Object.assign(new PassThrough(), { isTTY: true, columns, rows });
  let sent = "";
  out.on("data", (chunk: Buffer) => (sent += chunk.toString()));
  return { out: out as never, sent: () => sent };
}

test("a terminal is filled with as many lines as it has, those with the highest rate first, and is given back", async () => {
  const sessions = Array.from({ length: 30 }, (_, index) => ({
    id: `s${String(index).padStart(2, "0")}`,
    route: "main",
    client: `client-${index}`,
    messages: 0,
  }));
  const process = await FakeAdminProcess.start(sessions);
  const url = new URL(`http://127.0.0.1:${process.port}`);
  const target = await processTarget(
    { in: "process", url, token: process.token, tokenFile: undefined },
    new AbortController().signal,
  );
  const { out, sent } = terminal(60, 10);
  const stop = new AbortController();
  const watching = watchSessions(target, { filter: {}, output: "table" }, { out }, stop.signal);
  await until("the first look", () => sent().includes("client-0"));
  for (const [index, session] of process.sessions.entries()) session.messages = index;
  await until("the second look", () => sent().includes("client-29"));
  const frame = sent().split("\u001b[H").at(-1) ?? "";
  const lines = frame.replace("\u001b[J", "").split("\r\n");
  expect(lines).toHaveLength(10);
  for (const line of lines) expect(line.replace("\u001b[K", "").length).toBeLessThanOrEqual(60);
  expect(lines[2]).toMatch(/^\d+(\.\d)? +client-29 /);
  expect(lines[3]).toContain("client-28");
  expect(lines[9]).toContain("… 23 more lines");
  process.token = "another";
  await until(
    "the failure is shown",
    () => sent().split("\u001b[H").at(-1)?.includes("does not take this token") === true,
  );
  stop.abort();
  expect(await watching).toBe(0);
  expect(sent().startsWith("\u001b[?1049h\u001b[?25l")).toBe(true);
  expect(sent().endsWith("\u001b[?25h\u001b[?1049l")).toBe(true);
}, 30_000);

test("with json each look is one line", async () => {
  const process = await FakeAdminProcess.start([{ id: "s1", route: "main" }]);
  const url = new URL(`http://127.0.0.1:${process.port}`);
  const target = await processTarget(
    { in: "process", url, token: process.token, tokenFile: undefined },
    new AbortController().signal,
  );
  const { out, sent } = terminal(80, 24);
  const stop = new AbortController();
  const watching = watchSessions(target, { filter: {}, output: "json" }, { out }, stop.signal);
  await until("two looks", () => sent().split("\n").length > 2);
  stop.abort();
  await watching;
  const looks = sent().trimEnd().split("\n");
  for (const look of looks) expect(JSON.parse(look)).toMatchObject({ sums: { sessions: 1 } });
});

test("ends when nothing reads its output any more, and prints nothing for a reader that is slow", async () => {
  const process = await FakeAdminProcess.start([{ id: "s1", route: "main" }]);
  const url = new URL(`http://127.0.0.1:${process.port}`);
  const { signal } = new AbortController();
  const target = await processTarget({ in: "process", url, token: process.token, tokenFile: undefined }, signal);
  const out = Object.assign(new PassThrough({ highWaterMark: 16 * 1024 * 1024 }), { isTTY: false });
  out.write(Buffer.alloc(5 * 1024 * 1024));
  const before = out.writableLength + out.readableLength;
  const slow = Object.defineProperty(out, "writableLength", { value: before });
  const watching = watchSessions(target, { filter: {}, output: "json" }, { out: slow as never }, signal);
  await until("two looks", () => process.calls.length > 1);
  expect(out.readableLength).toBe(5 * 1024 * 1024);
  out.emit("error", new Error("EPIPE"));
  expect(await watching).toBe(0);
}, 30_000);
