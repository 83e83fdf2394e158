import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  sessionStep,
  type SessionAction,
  type SessionEvent,
  type SessionPhase,
  type SessionStep,
} from "./session-phases.ts";

/** `next: actions`; without `next:` the phase stays; empty: nothing happens. */
const EXPECTED = {
  open: {
    terminated: "failed: recordEnd announceOver closeBoth awaitBriefly",
    violated: "failed: recordEnd announceOver closeBoth awaitBriefly",
    protocolError: "failed: recordEnd announceOver closeBothAfterAnswers awaitAnswersBriefly",
    shed: "failed: recordEnd dropReceiver announceOver closeSource awaitBriefly",
    closeFromClient: "clientClosing: recordEnd awaitAnswer",
    closeFromBackend: "backendClosing: recordEnd awaitAnswer",
    clientAnswered: "",
    backendAnswered: "",
    clientEnded: "hungUp: recordEnd announceOver endBackend dropClient awaitBackend",
    clientGone: "hungUp: recordEnd announceOver endBackend dropClient awaitBackend",
    backendEnded: "failing: recordEnd closeClient awaitTold dropBackend awaitClient",
    backendGone: "failing: recordEnd closeClient awaitTold dropBackend awaitClient",
    clientTold: "",
    destroyed: "failing: recordEnd dropBoth",
    socketsClosed: "over: recordEnd announceOver stop announceClosed",
  },
  clientClosing: {
    terminated: "awaitBriefly",
    violated: "endBackend endClient awaitBriefly",
    protocolError: "endBackend endClient awaitBriefly",
    shed: "dropReceiver endClient awaitBriefly",
    closeFromClient: "",
    closeFromBackend: "hangingUp: endBackend endClient awaitTold awaitBoth",
    clientAnswered: "",
    backendAnswered: "hangUpBackend",
    clientEnded: "",
    clientGone: "clientLeft: announceOver dropClient awaitBackend",
    backendEnded: "hangingUp: endClient awaitTold dropBackend awaitClient",
    backendGone: "hangingUp: endClient awaitTold dropBackend awaitClient",
    clientTold: "",
    destroyed: "failing: dropBoth",
    socketsClosed: "over: announceOver stop announceClosed",
  },
  backendClosing: {
    terminated: "awaitBriefly",
    violated: "endBackend awaitBriefly",
    protocolError: "endBackend awaitBriefly",
    shed: "dropReceiver endBackend awaitBriefly",
    closeFromClient: "hangingUp: endBackend endClient awaitTold awaitBoth",
    closeFromBackend: "",
    clientAnswered: "hangingUp: hangUpClient awaitTold",
    backendAnswered: "",
    clientEnded: "hungUp: announceOver endBackend dropClient awaitBackend",
    clientGone: "hungUp: announceOver endBackend dropClient awaitBackend",
    backendEnded: "",
    backendGone: "failing: awaitTold dropBackend awaitClient",
    clientTold: "",
    destroyed: "failing: dropBoth",
    socketsClosed: "over: announceOver stop announceClosed",
  },
  hangingUp: {
    terminated: "awaitBriefly",
    violated: "endBackend endClient awaitBriefly",
    protocolError: "endBackend endClient awaitBriefly",
    shed: "dropReceiver endSource awaitBriefly",
    closeFromClient: "",
    closeFromBackend: "",
    clientAnswered: "",
    backendAnswered: "",
    clientEnded: "",
    clientGone: "hungUp: announceOver awaitBackend",
    backendEnded: "",
    backendGone: "awaitClient",
    clientTold: "hungUp: announceOver",
    destroyed: "failing: dropBoth",
    socketsClosed: "over: announceOver stop announceClosed",
  },
  failing: {
    terminated: "awaitBriefly",
    violated: "endBackend endClient awaitBriefly",
    protocolError: "endBackend endClient awaitBriefly",
    shed: "dropReceiver endSource awaitBriefly",
    closeFromClient: "",
    closeFromBackend: "",
    clientAnswered: "hangUpClient",
    backendAnswered: "",
    clientEnded: "hungUp: announceOver dropClient",
    clientGone: "hungUp: announceOver dropClient",
    backendEnded: "",
    backendGone: "",
    clientTold: "failed: announceOver",
    destroyed: "dropBoth",
    socketsClosed: "over: announceOver stop announceClosed",
  },
  failed: {
    terminated: "awaitBriefly",
    violated: "endBackend endClient awaitBriefly",
    protocolError: "endBackend endClient awaitBriefly",
    shed: "dropReceiver endSource awaitBriefly",
    closeFromClient: "clientLeft: hangUpClient",
    closeFromBackend: "hangUpBackend",
    clientAnswered: "hangUpClient",
    backendAnswered: "hangUpBackend",
    clientEnded: "hungUp: closeClient hangUpClient",
    clientGone: "hungUp: dropClient",
    backendEnded: "hangUpBackend",
    backendGone: "",
    clientTold: "",
    destroyed: "dropBoth",
    socketsClosed: "over: stop announceClosed",
  },
  clientLeft: {
    terminated: "awaitBriefly",
    violated: "endBackend endClient awaitBriefly",
    protocolError: "endBackend endClient awaitBriefly",
    shed: "dropReceiver endSource awaitBriefly",
    closeFromClient: "",
    closeFromBackend: "",
    clientAnswered: "",
    backendAnswered: "hangUpBackend",
    clientEnded: "",
    clientGone: "",
    backendEnded: "hungUp: dropBackend",
    backendGone: "hungUp: dropBackend",
    clientTold: "",
    destroyed: "dropBoth",
    socketsClosed: "over: stop announceClosed",
  },
  hungUp: {
    terminated: "awaitBriefly",
    violated: "endBackend endClient awaitBriefly",
    protocolError: "endBackend endClient awaitBriefly",
    shed: "dropReceiver endSource awaitBriefly",
    closeFromClient: "",
    closeFromBackend: "",
    clientAnswered: "",
    backendAnswered: "hangUpBackend",
    clientEnded: "",
    clientGone: "awaitBackend",
    backendEnded: "hangUpBackend",
    backendGone: "awaitClient",
    clientTold: "",
    destroyed: "dropBoth",
    socketsClosed: "over: stop announceClosed",
  },
  over: {
    terminated: "",
    violated: "",
    protocolError: "",
    shed: "",
    closeFromClient: "",
    closeFromBackend: "",
    clientAnswered: "",
    backendAnswered: "",
    clientEnded: "",
    clientGone: "",
    backendEnded: "",
    backendGone: "",
    clientTold: "",
    destroyed: "",
    socketsClosed: "",
  },
} as const satisfies Record<SessionPhase, Record<SessionEvent, string>>;

const PHASES = Object.keys(EXPECTED) as SessionPhase[];
const EVENTS = Object.keys(EXPECTED.open) as SessionEvent[];
const CELLS = PHASES.flatMap((phase) => EVENTS.map((event) => ({ phase, event, ...sessionStep(phase, event) })));

/** Phases in which the client still has its slot. */
const HOLDS_PLACE: readonly SessionPhase[] = ["open", "clientClosing", "backendClosing", "hangingUp", "failing"];

const shown = ({ next, actions }: SessionStep): string => [...(next ? [`${next}:`] : []), ...actions].join(" ");
const count = (actions: readonly SessionAction[], action: SessionAction): number =>
  actions.filter((it) => it === action).length;

describe("every cell", () => {
  test.each(CELLS.map((cell) => [cell.phase, cell.event, EXPECTED[cell.phase][cell.event]] as const))(
    "%s, on %s: '%s'",
    (phase, event, expected) => {
      expect(shown(sessionStep(phase, event))).toBe(expected);
    },
  );
});

test.each(CELLS.map((cell) => [cell.phase, cell.event, cell] as const))(
  "%s, on %s: the slot is freed where it was held and is no more, the end is recorded where the session was open",
  (phase, _event, { next = phase, actions }) => {
    const frees = HOLDS_PLACE.includes(phase) && !HOLDS_PLACE.includes(next);
    expect(count(actions, "announceOver")).toBe(frees ? 1 : 0);
    expect(HOLDS_PLACE.includes(next) && !HOLDS_PLACE.includes(phase)).toBe(false);
    expect(count(actions, "recordEnd")).toBe(phase === "open" && next !== "open" ? 1 : 0);
    expect(next === "open").toBe(phase === "open" && actions.length === 0);
    expect(count(actions, "announceClosed")).toBe(next === "over" && phase !== "over" ? 1 : 0);
  },
);

test("a session that has left `open` waits for a bounded time, or its sockets are destroyed", () => {
  const bounded = (actions: readonly SessionAction[]): boolean =>
    actions.some((action) => action.startsWith("await") && action !== "awaitTold") || actions.includes("dropBoth");
  const leaving = CELLS.filter(({ phase, next }) => phase === "open" && next !== undefined && next !== "over");
  expect(leaving.filter(({ actions }) => !bounded(actions))).toEqual([]);
});

test.each(["client", "backend"])(
  "the %s gets FIN behind our Close frame only when it has answered or ended",
  (peer) => {
    const Peer = `${peer[0]?.toUpperCase()}${peer.slice(1)}`;
    const reasons: readonly string[] = [`${peer}Answered`, `closeFrom${Peer}`, `${peer}Ended`];
    const hangsUp = CELLS.filter(({ actions }) => (actions as readonly string[]).includes(`hangUp${Peer}`));
    expect(hangsUp.length).toBeGreaterThan(3);
    expect(hangsUp.map(({ event }) => event).filter((event) => !reasons.includes(event))).toEqual([]);
    const closes = CELLS.filter(({ actions }) => actions.some((action) => /^close(Both|Client|Source)/.test(action)));
    const at = closes.filter(({ actions }) => actions.some((action) => /^(end|hangUp)/.test(action)));
    expect(at.map(({ phase, event }) => `${phase} ${event}`)).toEqual(["failed clientEnded"]);
  },
);

test("every phase is reached from `open`, and reaches `over` once both sockets are closed", () => {
  const reached = new Set<SessionPhase>(["open"]);
  for (const phase of reached) for (const event of EVENTS) reached.add(sessionStep(phase, event).next ?? phase);
  expect([...reached].toSorted()).toEqual(PHASES.toSorted());
  for (const phase of PHASES) expect(sessionStep(phase, "socketsClosed").next ?? phase).toBe("over");
});

test("whatever comes in whatever order: one end is recorded, one slot freed, one session closed, and then nothing", () => {
  const events = fc.constantFrom(...EVENTS);
  fc.assert(
    fc.property(fc.array(events, { maxLength: 12 }), fc.array(events, { maxLength: 4 }), (before, after) => {
      let phase: SessionPhase = "open";
      const did: SessionAction[] = [];
      const on = (event: SessionEvent): void => {
        const step = sessionStep(phase, event);
        phase = step.next ?? phase;
        did.push(...step.actions);
      };
      for (const event of [...before, "socketsClosed" as const]) on(event);
      for (const action of ["recordEnd", "announceOver", "announceClosed"] as const) expect(count(did, action)).toBe(1);
      expect(did.at(-1)).toBe("announceClosed");
      const then = did.length;
      for (const event of after) on(event);
      expect(did).toHaveLength(then);
    }),
  );
});
