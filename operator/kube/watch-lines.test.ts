import { PassThrough } from "node:stream";
import type { IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { WatchFailure } from "./watch-events.ts";
import { LongLine, watchLines } from "./watch-lines.ts";

/** A body that a test writes. */
function body(): PassThrough & IncomingMessage {
  return new PassThrough() as PassThrough & IncomingMessage;
}

async function linesOf(stream: IncomingMessage, clock = new FakeClock()): Promise<(string | LongLine)[]> {
  const lines: (string | LongLine)[] = [];
  for await (const line of watchLines(stream, clock, 1000)) lines.push(line);
  return lines;
}

test("lines come out whole, however the bytes are cut", async () => {
  const text = Buffer.from('{"a":"grüße"}\n\n{"b":"🙂"}\r\n{"c":1}\nrest');
  for (let size = 1; size <= text.length; size += 1) {
    const stream = body();
    const lines = linesOf(stream);
    for (let at = 0; at < text.length; at += size) stream.write(text.subarray(at, at + size));
    stream.end();
    const texts = (await lines).map((line) => (line instanceof LongLine ? line.start : line).trim());
    expect(texts).toEqual(['{"a":"grüße"}', '{"b":"🙂"}', '{"c":1}']);
  }
});

test("of a line that is longer than any object only the start comes out, and the next lines come out whole", async () => {
  const stream = body();
  const lines = linesOf(stream);
  const chunk = Buffer.alloc(1024 * 1024, "x");
  stream.write('{"a":1}\n{"long":"');
  for (let count = 0; count < 17; count += 1) stream.write(chunk);
  stream.end('"}\n{"b":2}\n');
  const [before, long, after] = await lines;
  expect([before, after]).toEqual(['{"a":1}', '{"b":2}']);
  expect(long instanceof LongLine ? [long.start.slice(0, 10), long.start.length] : long).toEqual(['{"long":"x', 4096]);
});

test("an endless line ends the watch and its connection", async () => {
  const stream = body();
  const lines = linesOf(stream);
  const chunk = Buffer.alloc(1024 * 1024, "x");
  for (let count = 0; count < 66; count += 1) stream.write(chunk);
  await expect(lines).rejects.toThrow(WatchFailure);
  expect(stream.destroyed).toBe(true);
});

test("a reader that stops ends the connection and the timer", async () => {
  const clock = new FakeClock();
  const stream = body();
  stream.write("one\ntwo\n");
  for await (const line of watchLines(stream, clock, 1000)) {
    expect(line).toBe("one");
    expect(clock.pending).toBe(1);
    break;
  }
  expect(clock.pending).toBe(0);
  expect(stream.destroyed).toBe(true);
});

test("an error of the connection is the cause of the WatchFailure", async () => {
  const clock = new FakeClock();
  const stream = body();
  const lines = linesOf(stream, clock);
  const cause = new Error("ECONNRESET");
  stream.destroy(cause);
  await expect(lines).rejects.toMatchObject({ name: "WatchFailure", cause });
  expect(clock.pending).toBe(0);
});
