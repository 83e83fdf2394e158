import { expect, onTestFinished, test } from "vitest";
import { onSignals, type Shutdown } from "./shutdown.ts";

function listening(terminal: boolean): Shutdown {
  const shutdown = onSignals(terminal);
  onTestFinished(() => shutdown.dispose());
  return shutdown;
}

test.each(["SIGTERM", "SIGINT"])("the first %s stops gracefully, the second at once", (signal) => {
  const { stop, now } = listening(false);
  process.emit(signal as NodeJS.Signals);
  expect([stop.aborted, now.aborted]).toEqual([true, false]);
  process.emit("SIGTERM");
  expect([stop.aborted, now.aborted]).toEqual([true, true]);
});

test("the end of the terminal stops gracefully; a SIGHUP without one stops nothing", () => {
  const [person, service] = [listening(true), listening(false)];
  process.emit("SIGHUP");
  expect([person.stop.aborted, person.now.aborted]).toEqual([true, false]);
  expect(service.stop.aborted).toBe(false);
});

test("nothing listens any more when it is over", () => {
  const before = ["SIGTERM", "SIGINT", "SIGHUP"].map((name) => process.listenerCount(name));
  onSignals(true).dispose();
  expect(["SIGTERM", "SIGINT", "SIGHUP"].map((name) => process.listenerCount(name))).toEqual(before);
});
