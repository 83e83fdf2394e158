import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { screenFor } from "./screen.ts";

const next = (out: PassThrough): Buffer | null => out.read() as Buffer | null;

function shown(isTTY: boolean, env: NodeJS.ProcessEnv): string {
  const out = Object.assign(new PassThrough(), { isTTY, columns: 20, rows: 4 });
  const screen = screenFor(out, env);
  screen.show("head\n", "one\n");
  screen.show("head\n", "two\n");
  screen.close();
  // Node 26 reads one write at a time.
  let text = "";
  for (let part = next(out); part !== null; part = next(out)) text += String(part);
  return text;
}

test("a pipe, and a terminal that knows no cursor, get each text behind the last one", () => {
  const plain = "head\none\n\nhead\ntwo\n";
  expect(shown(false, { TERM: "xterm" })).toBe(plain);
  expect(shown(true, { TERM: "dumb" })).toBe(plain);
});

test("a terminal without a name gets its screen, and its own one back", () => {
  const text = shown(true, {});
  expect([text.startsWith("\u001b[?1049h"), text.endsWith("\u001b[?1049l")]).toEqual([true, true]);
});
