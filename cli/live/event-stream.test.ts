import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { EventLines, LONGEST_EVENT, readEvents, type StreamEvent } from "./event-stream.ts";

interface Taken {
  readonly events: StreamEvent[];
  readonly tooLong: number;
}

function taken(...chunks: readonly (string | Buffer)[]): Taken {
  const events: StreamEvent[] = [];
  let tooLong = 0;
  const lines = new EventLines(
    (event) => events.push(event),
    () => (tooLong += 1),
  );
  for (const chunk of chunks) lines.take(Buffer.from(chunk as string));
  return { events, tooLong };
}

test("takes names and data, and passes over comments, other fields and what has no data", () => {
  const { events } = taken(
    ": hello\n\nevent: handshake\nid: 7\nretry: 9\ndata: {}\n\n:\n\nevent: none\n\ndata:x\ndata: y\n\n",
  );
  expect(events).toEqual([
    { name: "handshake", data: "{}" },
    { name: "message", data: "x\ny" },
  ]);
});

test("an event may come in any pieces, with any line break, and the last one must be whole", () => {
  const text = Buffer.from("\ufeffevent: a\r\ndata: größe\r\n\r\nevent: b\rdata: 2\r\rdata: cut off\n");
  const expected = [
    { name: "a", data: "größe" },
    { name: "b", data: "2" },
  ];
  for (let size = 1; size < text.length; size += 1) {
    const chunks = Array.from({ length: Math.ceil(text.length / size) }, (_, index) =>
      text.subarray(index * size, (index + 1) * size),
    );
    expect(taken(...chunks).events, `pieces of ${size} bytes`).toEqual(expected);
  }
});

test("an event that is too long is passed over, whatever it is made of, and the next one is taken", () => {
  const long = "x".repeat(LONGEST_EVENT + 1);
  for (const event of [`data: ${long}`, `event: ${long}\ndata: 1`, "data: 12345\n".repeat(LONGEST_EVENT / 10), long]) {
    expect(taken(event, `\n\ndata: next\n\n`)).toEqual({ events: [{ name: "message", data: "next" }], tooLong: 1 });
  }
});

test("reading ends at the end of the body, after silence, and at an abort", async () => {
  const lines = new EventLines(
    () => {},
    () => {},
  );
  const never = new AbortController().signal;
  const ended = new PassThrough();
  ended.end(":\n\n");
  expect(await readEvents(ended, lines, 60_000, never)).toBe("Ended");
  expect(await readEvents(new PassThrough(), lines, 5, never)).toBe("Silent");
  expect(await readEvents(new PassThrough(), lines, 60_000, AbortSignal.abort())).toBe("Aborted");
});
