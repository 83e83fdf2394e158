import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { TraceOutput } from "./trace-output.ts";

/** A reader that takes what waits when it is told to. */
class SlowReader extends Writable {
  readonly taken: string[] = [];
  #next: (() => void) | undefined;

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.taken.push(chunk.toString());
    this.#next = done;
  }

  read(): void {
    for (let next = this.#next; next !== undefined; next = this.#next) {
      this.#next = undefined;
      next();
    }
  }
}

test("of what a slow reader does not take 4 MiB wait, and it is said how many events it missed", async () => {
  const out = new SlowReader();
  const notes: string[] = [];
  const output = new TraceOutput(out, (words) => notes.push(words));
  const line = "x".repeat(1024 * 1024);
  for (let n = 0; n < 10; n += 1) output.write(line);
  expect(out.writableLength).toBe(5 * 1024 * 1024);
  expect(notes).toEqual([]);
  for (let n = 0; n < 10; n += 1) {
    out.read();
    await new Promise((resolve) => setImmediate(resolve));
  }
  output.write("next\n");
  expect(notes).toEqual(["5 events left out: standard output is not read in time"]);
  out.read();
  expect(out.taken.at(-1)).toBe("next\n");
  output.close();
  expect(notes).toHaveLength(1);
});

test("when the reader is gone nothing is written any more, and it is told", () => {
  const out = new SlowReader();
  const output = new TraceOutput(out, () => {});
  out.on("error", () => {});
  expect(output.gone.aborted).toBe(false);
  out.emit("error", new Error("EPIPE"));
  expect(output.gone.aborted).toBe(true);
  output.write("lost");
  expect(out.taken).toEqual([]);
});
