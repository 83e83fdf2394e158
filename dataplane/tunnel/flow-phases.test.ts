import { describe, expect, test } from "vitest";
import { flowStep, type FlowAction, type FlowEvent, type FlowPhase, type FlowStep } from "./flow-phases.ts";

/** `next: actions`; without `next:` the phase stays; empty: nothing happens. */
const EXPECTED = {
  forwarding: {
    conclude: "concluding: startTimer",
    finish: "finish",
    finishBehindFrame: "finishBehindFrame",
    hangUp: "hangUpBehindLast",
    timeUp: "",
    sourceEnded: "forwardingRest:",
    allForwarded: "resumeSource",
    discard: "discarding: discard",
    stop: "stopped: stop",
  },
  forwardingRest: {
    conclude: "finish",
    finish: "finish",
    finishBehindFrame: "finish",
    hangUp: "hangUpBehindLast",
    timeUp: "",
    sourceEnded: "",
    allForwarded: "announceEnded",
    discard: "discarding: discard",
    stop: "stopped: stop",
  },
  concluding: {
    conclude: "",
    finish: "forwarding: stopTimer finish",
    finishBehindFrame: "forwarding: stopTimer finishBehindFrame",
    hangUp: "hangUpBehindLast",
    timeUp: "forwarding: finishBehindFrame",
    sourceEnded: "concludingRest:",
    allForwarded: "resumeSource",
    discard: "discarding: stopTimer finish discard",
    stop: "stopped: stopTimer stop",
  },
  concludingRest: {
    conclude: "",
    finish: "forwardingRest: stopTimer finish",
    finishBehindFrame: "forwardingRest: stopTimer finish",
    hangUp: "hangUpBehindLast",
    timeUp: "forwardingRest: finish",
    sourceEnded: "",
    allForwarded: "discarding: stopTimer finish discard announceEnded",
    discard: "discarding: stopTimer finish discard",
    stop: "stopped: stopTimer stop",
  },
  discarding: {
    conclude: "finish",
    finish: "finish",
    finishBehindFrame: "finish",
    hangUp: "hangUp",
    timeUp: "",
    sourceEnded: "",
    allForwarded: "announceEnded",
    discard: "",
    stop: "stopped: stop",
  },
  stopped: {
    conclude: "",
    finish: "",
    finishBehindFrame: "",
    hangUp: "",
    timeUp: "",
    sourceEnded: "",
    allForwarded: "",
    discard: "",
    stop: "",
  },
} as const satisfies Record<FlowPhase, Record<FlowEvent, string>>;

const PHASES = Object.keys(EXPECTED) as FlowPhase[];
const EVENTS = Object.keys(EXPECTED.forwarding) as FlowEvent[];
const CELLS = PHASES.flatMap((phase) => EVENTS.map((event) => ({ phase, event, ...flowStep(phase, event) })));

const shown = ({ next, actions }: FlowStep): string => [...(next ? [`${next}:`] : []), ...actions].join(" ");
const CONCLUDES: readonly FlowPhase[] = ["concluding", "concludingRest"];
const ENDS: readonly FlowPhase[] = ["discarding", "stopped"];

describe("every cell", () => {
  test.each(CELLS.map((cell) => [cell.phase, cell.event, EXPECTED[cell.phase][cell.event]] as const))(
    "%s, on %s: '%s'",
    (phase, event, expected) => {
      expect(shown(flowStep(phase, event))).toBe(expected);
    },
  );
});

test.each(CELLS.map((cell) => [cell.phase, cell.event, cell] as const))(
  "%s, on %s: the timer runs while a flow concludes, and what ends forwards nothing more",
  (phase, event, { next = phase, actions }) => {
    const has = (action: FlowAction): boolean => actions.includes(action);
    expect(has("startTimer")).toBe(!CONCLUDES.includes(phase) && CONCLUDES.includes(next));
    const stops = CONCLUDES.includes(phase) && !CONCLUDES.includes(next) && event !== "timeUp";
    expect(has("stopTimer")).toBe(stops);
    if (ENDS.includes(phase)) expect(ENDS).toContain(next);
    if (ENDS.includes(phase)) expect(has("resumeSource")).toBe(false);
    expect(has("discard")).toBe(next === "discarding" && phase !== "discarding");
    expect(has("stop")).toBe(next === "stopped" && phase !== "stopped");
  },
);

test.each(PHASES)("a receiver that waits for our Close frame gets its end before %s is left for good", (phase) => {
  if (!CONCLUDES.includes(phase)) return;
  for (const event of ["discard", "timeUp", "finish", "finishBehindFrame"] as const) {
    expect(flowStep(phase, event).actions.some((action) => action.startsWith("finish"))).toBe(true);
  }
});

test.each(PHASES)("%s reaches `stopped`, and there is a way to it from `forwarding`", (phase) => {
  const reached = new Set<FlowPhase>(["forwarding"]);
  for (const from of reached) for (const event of EVENTS) reached.add(flowStep(from, event).next ?? from);
  expect(reached).toContain(phase);
  expect(flowStep(phase, "stop").next ?? phase).toBe("stopped");
});
