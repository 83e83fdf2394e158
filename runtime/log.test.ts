import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { temporaryFolder } from "../test/fakes/program.ts";
import { bounded, processLog } from "./log.ts";

test("of lines that are not read 1 MiB is kept, the rest is dropped and counted, and nothing waits", async () => {
  const pipe = join(await temporaryFolder(), "pipe");
  execFileSync("mkfifo", [pipe]);
  const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
  onTestFinished(() => {
    for (const fd of [reader, writer]) closeSync(fd);
  });
  const log = processLog("info", writer);
  const line = "x".repeat(1000);
  for (let n = 0; n < 5000; n += 1) log.info({ line }, "m");
  const lost = log.dropped();
  // 5 MB were written; a pipe takes 64 KiB, and 1 MiB waits.
  expect(lost).toBeGreaterThan(3500);
  expect(lost).toBeLessThan(4200);
  const buffer = Buffer.alloc(65_536);
  expect(readSync(reader, buffer)).toBeGreaterThan(0);
});

test("no half of a character stays where a text is cut, or where it was sent as one", () => {
  expect(bounded(`${"x".repeat(255)}\u{1f600}`)).toBe(`${"x".repeat(255)}\ufffd…`);
  expect(bounded("a\ud800b\u{1f600}")).toBe("a\ufffdb\u{1f600}");
});

test("a text of 256 characters stays whole, a longer one is cut", () => {
  expect(bounded("x".repeat(256))).toBe("x".repeat(256));
  expect(bounded("x".repeat(257))).toBe(`${"x".repeat(256)}…`);
});

test("a text cannot begin a line, move the cursor or change the direction of what follows", () => {
  const signs = ["\n", "\r", "\u001b", "\u0085", "\u2028", "\u2029", "\u202e", "\u2066", "\u200f", "\u061c", "\ufeff"];
  for (const sign of signs) expect(bounded(`a${sign}b`)).toBe("a\ufffdb");
  expect(bounded("für 東京 …")).toBe("für 東京 …");
});
