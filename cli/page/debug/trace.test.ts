import { expect, test } from "vitest";
import { readClosed, readHandshake, readHappening } from "./events.js";
import { addEntry, closeRow, loseRow, rowOfHandshake } from "./row.js";
import { timelineOf } from "./timeline.js";
import { traceLine, traceSummary } from "./trace.js";

const at = (seconds: number): string => new Date(Date.UTC(2026, 10, 30, 5) + 1000 * seconds).toISOString();
const step = (name: string, verdict: string, more: object = {}) => ({ name, verdict, ...more });

test("a line of the trace says what the step looks at, its verdict and its time", () => {
  const [passed, refused, skipped, other] = readHandshake({
    steps: [
      step("route", "passed", { micros: 12.4 }),
      step("authentication", "refused", { micros: 1240, reason: "CredentialMissing" }),
      step("backend", "skipped"),
      step("constructor", "new-word"),
    ],
  }).steps.map(traceLine);
  expect(passed).toMatchObject({ name: "route", kind: "passed", mark: "✓", time: "12 µs" });
  expect(refused).toMatchObject({ kind: "refused", verdict: "refused", reason: "CredentialMissing", time: "1.24 ms" });
  expect(skipped).toMatchObject({ kind: "skipped", time: "" });
  expect(other).toMatchObject({ about: "", kind: "other", mark: "•", verdict: "new-word" });
});

test.each([
  [[step("route", "passed")], { session: "s" }, "All steps passed."],
  [
    [step("attempts", "shadow"), step("deny", "shadow")],
    { session: "s" },
    "All steps passed. 2 would have refused, but only counts (Shadow).",
  ],
  [[step("route", "passed"), step("origins", "refused")], {}, "Refused at origins."],
  [[step("origins", "refused")], { past: true }, "Refused at origins. It was not watched, so its steps have no times."],
  [[], {}, "Refused."],
])("the trace %j %j is summed up in a sentence", (steps, more, sentence) => {
  expect(traceSummary(readHandshake({ ...more, steps }))).toBe(sentence);
});

test("the timeline goes from the 101 to the end", () => {
  const row = rowOfHandshake("s", readHandshake({ at: at(0), session: "s", status: 101, reason: "Accepted" }));
  addEntry(row, readHappening({ at: at(1), session: "s", what: "ping" }));
  addEntry(
    row,
    readHappening({
      at: at(2),
      policy: "messages",
      per: "Client",
      action: "Drop",
      shadow: true,
      direction: "fromClient",
    }),
  );
  addEntry(row, readHappening({ at: at(3), session: "s", what: "closeSent", code: 1008, reason: "MessageRate" }));
  addEntry(row, readHappening({ at: at(3), session: "s", what: "toString" }));
  const end = { at: at(4), session: "s", code: 1008, reason: "MessageRate", by: "gateway", duration: 4, cause: "why" };
  closeRow(row, readClosed(end));
  expect(timelineOf(row).map(({ what, detail, kind }) => [what, detail, kind])).toEqual([
    ["101, session open", "", "good"],
    ["ping to the client", "", "plain"],
    ["limit hit", "messages per Client · Drop (Shadow: only counted) · client → backend", "warn"],
    ["Close frame sent", "1008 · MessageRate", "plain"],
    ["toString", "", "plain"],
    ["closed by the gateway", "1008 · MessageRate · why", "bad"],
  ]);
});

test("the timeline of a session that ended unseen says so, behind all that has a time", () => {
  const row = rowOfHandshake("s", readHandshake({ at: at(0), session: "s", status: 101, reason: "Accepted" }));
  loseRow(row, false);
  expect(timelineOf(row).map(({ what }) => what)).toEqual(["101, session open", "ended"]);
  loseRow(row, true);
  expect(timelineOf(row).at(-1)?.detail).toBe("its pod is gone");
});
