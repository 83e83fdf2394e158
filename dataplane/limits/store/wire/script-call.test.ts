import { setImmediate as turn } from "node:timers/promises";
import { SimpleError } from "@redis/client";
import { expect, test } from "vitest";
import { FakeClock } from "../../../../test/fakes/clock.ts";
import { ADD, KEY } from "../../../../test/fakes/store-link.ts";
import { Unavailable } from "../link.ts";
import { runScript } from "./script-call.ts";

/** A call with a patience of 50 ms over a connection that answers when the test says so. */
function scene(script = ADD) {
  const clock = new FakeClock();
  const asked: { command: readonly string[]; answer: (value: unknown) => void; fail: (error: Error) => void }[] = [];
  const ends: unknown[][] = [];
  const at = { answered: 0 };
  const call = runScript({
    ...{ clock, script, keys: [KEY], args: [1, "two"], patience: 50 },
    connection: {
      ask: (command) => new Promise((answer, fail) => void asked.push({ command, answer, fail })),
    },
    answered: () => at.answered,
    ended: (result, seconds, fault) => void ends.push([result, Math.round(seconds * 1000), fault?.kind]),
  });
  let outcome = "waits";
  call.then(
    (value) => (outcome = `answered ${String(value)}`),
    (error: Error) => (outcome = `${error.name}: ${error.message}`),
  );
  const pass = async (ms: number): Promise<string> => {
    clock.advance(ms);
    await turn();
    await turn();
    return outcome;
  };
  return { clock, asked, ends, at, pass };
}

test("an answer in time is the answer, and leaves no timer", async () => {
  const { clock, asked, ends, pass } = scene();
  expect(asked[0]?.command).toEqual(["EVALSHA", ADD.sha1, "1", KEY, "1", "two"]);
  await pass(49);
  asked[0]?.answer(7);
  expect(await pass(0)).toBe("answered 7");
  expect([ends, clock.pending]).toEqual([[["Answered", 49, undefined]], 0]);
});

test("50 ms without any answer of the store are too long, and what comes later counts no more", async () => {
  const { asked, ends, pass } = scene();
  expect(await pass(49)).toBe("waits");
  expect(await pass(1)).toBe("Unavailable: it did not answer in time");
  asked[0]?.answer(7);
  await pass(1_000);
  expect(ends).toEqual([["Late", 50, undefined]]);
});

test("while other calls are answered it waits, for 250 ms and no longer", async () => {
  const { clock, ends, at, pass } = scene();
  for (let ms = 0; ms < 249; ms += 1) {
    at.answered = clock.now();
    expect(await pass(1)).toBe("waits");
  }
  at.answered = clock.now();
  await pass(1);
  expect(ends).toEqual([["Late", 250, undefined]]);
});

test("a store that does not know the script gets its text", async () => {
  const { asked, ends, pass } = scene();
  asked[0]?.fail(new SimpleError("NOSCRIPT No matching script."));
  await pass(0);
  expect(asked[1]?.command).toEqual(["EVAL", ADD.text, "1", KEY, "1", "two"]);
  asked[1]?.answer(1);
  expect(await pass(0)).toBe("answered 1");
  expect(ends).toEqual([["Answered", 0, undefined]]);
});

test.each([
  [
    new SimpleError("OOM command not allowed when used memory > 'maxmemory'."),
    "its memory is full (maxmemory)",
    "Later",
  ],
  [Object.assign(new Error("read"), { code: "ECONNRESET" }), "it closed the connection", undefined],
])("%s makes the store unavailable for this call", async (error, cause, kind) => {
  const { clock, asked, ends, pass } = scene();
  asked[0]?.fail(error);
  expect(await pass(0)).toBe(`${new Unavailable().name}: ${cause}`);
  expect([ends, clock.pending]).toEqual([[["Failed", 0, kind]], 0]);
});

test("a script that must come in order goes with its text, which nothing that is sent later overtakes", () => {
  const { asked } = scene({ ...ADD, inOrder: true });
  expect(asked.map(({ command }) => command.slice(0, 2))).toEqual([["EVAL", ADD.text]]);
});
