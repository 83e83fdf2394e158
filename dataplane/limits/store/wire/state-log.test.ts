import { expect, test } from "vitest";
import { FakeClock } from "../../../../test/fakes/clock.ts";
import { recordingLog } from "../../../../test/fakes/log.ts";
import { StateLog } from "./state-log.ts";

const scene = () => {
  const [clock, log] = [new FakeClock(), recordingLog()];
  return { clock, log, state: new StateLog(clock, log, "demo/chat") };
};

test("each change is one line at once, with its cause, however often it is said", () => {
  const { clock, log, state } = scene();
  state.unavailable("it refuses connections");
  state.unavailable("it refuses connections");
  state.available();
  state.available();
  expect(log.lines).toEqual([
    {
      level: "warn",
      message: "store unavailable",
      fields: { proxy: "demo/chat", cause: "it refuses connections" },
    },
    { level: "info", message: "store available", fields: { proxy: "demo/chat" } },
  ]);
  expect(clock.pending).toBe(0);
});

test("another cause of the same outage is told when it has stood for 10 s", () => {
  const { clock, log, state } = scene();
  state.unavailable("it closed the connection");
  state.unavailable("it refuses connections");
  clock.advance(9_999);
  expect(log.lines.length).toBe(1);
  clock.advance(1);
  expect(log.lines[1]?.fields["cause"]).toBe("it refuses connections");
  clock.advance(60_000);
  expect(log.lines.length).toBe(2);
});

test("a store that flickers four times a second for a minute brings a line each second, and the last one is true", () => {
  const { clock, log, state } = scene();
  for (let n = 0; n < 240; n += 1) {
    state.unavailable("its memory is full (maxmemory)");
    clock.advance(200);
    state.available();
    clock.advance(50);
  }
  clock.advance(2_000);
  expect(log.lines.length).toBeGreaterThan(10);
  expect(log.lines.length).toBeLessThan(75);
  expect(log.lines.at(-1)?.message).toBe("store available");
});

test("closed, it tells nothing more", () => {
  const { clock, log, state } = scene();
  state.unavailable("a");
  state.unavailable("b");
  state.close();
  clock.advance(20_000);
  expect([log.lines.length, clock.pending]).toEqual([1, 0]);
});
