import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { decidingStep } from "./deciding-step.ts";
import { Trace } from "./trace.ts";

/** `name verdict micros`, with the reason where there is one. */
function told(trace: Trace, refused?: ReturnType<typeof decidingStep>): string[] {
  return trace
    .steps(refused)
    .map(({ name, verdict, reason, micros }) =>
      [name, verdict, reason, micros].filter((it) => it !== undefined).join(" "),
    );
}

function begun(): { clock: FakeClock; trace: Trace } {
  const clock = new FakeClock();
  return { clock, trace: new Trace(clock) };
}

test("steps come in the chain's order, whatever the order in which they are reported, with the times of their parts added", () => {
  const { clock, trace } = begun();
  trace.planned(["deny", "authentication", "connections"], true);
  for (const name of ["handshake", "route", "capacity", "deny", "store", "authentication", "deny", "connections"]) {
    clock.advance(2);
    trace.passed(name);
  }
  trace.dials({ address: "192.0.2.9", port: 80 });
  clock.advance(5);
  trace.answered(101);
  trace.dialEnded();
  trace.passed("backend");
  clock.advance(1);
  trace.passed("answer");
  expect(told(trace)).toEqual([
    ...["handshake passed 2000", "route passed 2000", "capacity passed 2000"],
    ...["deny passed 4000", "authentication passed 2000", "connections passed 2000"],
    ...["store passed 2000", "backend passed 5000", "answer passed 1000"],
  ]);
  expect(trace).toMatchObject({ endpoint: "192.0.2.9:80", dialMillis: 5, backendStatus: 101, millis: 22 });
});

test("what stands behind the step that decided is skipped, and has no time", () => {
  const { clock, trace } = begun();
  trace.planned(["deny", "attempts", "authentication"], false);
  for (const name of ["handshake", "route", "capacity", "deny", "attempts"]) {
    clock.advance(0.01234);
    trace.passed(name);
  }
  expect(told(trace, decidingStep("AttemptLimit", "attempts"))).toEqual([
    ...["handshake passed 12.3", "route passed 12.3", "capacity passed 12.3", "deny passed 12.3"],
    ...["attempts refused AttemptLimit 12.3", "authentication skipped", "backend skipped", "answer skipped"],
  ]);
});

test("a limit in Shadow says what it would have refused for; a policy that refuses is not in Shadow", () => {
  const { trace } = begun();
  trace.planned(["attempts", "connections"], false);
  trace.shadow("attempts", "AttemptLimit");
  trace.passed("attempts");
  trace.passed("connections");
  expect(told(trace)).toContain("attempts shadow AttemptLimit 0");
  expect(told(trace, decidingStep("ConnectionLimit", "connections"))).toContain(
    "connections refused ConnectionLimit 0",
  );
});

test("time that belongs to no step is left out, and a step that was only begun is skipped", () => {
  const { clock, trace } = begun();
  clock.advance(7);
  trace.pass();
  clock.advance(3);
  trace.spent("store");
  trace.planned([], true);
  expect(told(trace, decidingStep("Draining", undefined))).toEqual([
    ...["handshake skipped", "route skipped", "capacity refused Draining"],
    ...["store skipped", "backend skipped", "answer skipped"],
  ]);
  expect(told(trace, decidingStep("StoreUnavailable", "attempts"))).toContain("store refused StoreUnavailable 3000");
});

test("a policy that only a newer version of the route has is a step where it refuses", () => {
  const { trace } = begun();
  trace.planned(["deny"], false);
  expect(told(trace, decidingStep("OriginForbidden", "origins")).slice(3)).toEqual([
    ...["deny skipped", "origins refused OriginForbidden", "backend skipped", "answer skipped"],
  ]);
});

test("a status of the backend that is none of HTTP is not told", () => {
  const { trace } = begun();
  for (const status of [0, 99, 600, 999]) trace.answered(status);
  expect(trace.backendStatus).toBeUndefined();
});
