/** How one direction of a tunnel ends, as one table: for each phase and each event, the next phase and the actions. */

export type FlowPhase =
  /** Reads its source and forwards. */
  | "forwarding"
  /** The source has ended; what is held back of it still goes on. */
  | "forwardingRest"
  /** Forwards the source's last answers; then the receiver gets our Close frame in place of the source's. */
  | "concluding"
  | "concludingRest"
  /** Forwards nothing more, and reads on so that it sees the source's end. */
  | "discarding"
  /** The session is over. */
  | "stopped";

export type FlowEvent =
  /** The tunnel: our Close frame is to stand for the source's. */
  | "conclude"
  /** The tunnel ends the direction: at once, or behind the frame that is on its way. */
  | "finish"
  | "finishBehindFrame"
  /** The receiver has answered our Close frame, or sends no more: FIN follows what is written last. */
  | "hangUp"
  /** Of `concluding`: the source has had its time. */
  | "timeUp"
  /** The source sends no more. */
  | "sourceEnded"
  /** Nothing is held back, and the receiver takes more. */
  | "allForwarded"
  /** There is nothing more to forward: the source has closed or broke a rule, the outlet has finished, the receiver is gone. */
  | "discard"
  /** Both sockets are closed. */
  | "stop";

export type FlowAction =
  /** Of the time that a source has in `concluding`. */
  | "startTimer"
  | "stopTimer"
  /** Finishes the outlet with our Close frame, or with FIN if there is none. In the middle of a frame: with FIN. */
  | "finish"
  /** The same, but waits a moment for the end of a frame that is on its way. */
  | "finishBehindFrame"
  /** FIN: at once, or right behind what is still to be written. */
  | "hangUp"
  | "hangUpBehindLast"
  /** Nothing more is forwarded: what was held back and what still comes is only searched for the source's Close and end. */
  | "discard"
  | "resumeSource"
  /** The source sends no more, and all that it sent has been forwarded. */
  | "announceEnded"
  | "stop";

export interface FlowStep {
  /** Undefined: the phase stays. */
  readonly next: FlowPhase | undefined;
  readonly actions: readonly FlowAction[];
}

const go = (next: FlowPhase, ...actions: FlowAction[]): FlowStep => ({ next, actions });
const stay = (...actions: FlowAction[]): FlowStep => ({ next: undefined, actions });
const nothing = stay();

const TABLE = {
  forwarding: {
    conclude: go("concluding", "startTimer"),
    finish: stay("finish"), // the outlet says `discard` when it has finished
    finishBehindFrame: stay("finishBehindFrame"),
    hangUp: stay("hangUpBehindLast"),
    timeUp: nothing,
    sourceEnded: go("forwardingRest"),
    allForwarded: stay("resumeSource"),
    discard: go("discarding", "discard"),
    stop: go("stopped", "stop"),
  },
  forwardingRest: {
    conclude: stay("finish"),
    finish: stay("finish"),
    finishBehindFrame: stay("finish"), // the source sends no more of the frame
    hangUp: stay("hangUpBehindLast"),
    timeUp: nothing,
    sourceEnded: nothing,
    allForwarded: stay("announceEnded"),
    discard: go("discarding", "discard"),
    stop: go("stopped", "stop"),
  },
  concluding: {
    conclude: nothing,
    finish: go("forwarding", "stopTimer", "finish"),
    finishBehindFrame: go("forwarding", "stopTimer", "finishBehindFrame"),
    hangUp: stay("hangUpBehindLast"),
    timeUp: go("forwarding", "finishBehindFrame"),
    sourceEnded: go("concludingRest"),
    allForwarded: stay("resumeSource"),
    discard: go("discarding", "stopTimer", "finish", "discard"),
    stop: go("stopped", "stopTimer", "stop"),
  },
  concludingRest: {
    conclude: nothing,
    finish: go("forwardingRest", "stopTimer", "finish"),
    finishBehindFrame: go("forwardingRest", "stopTimer", "finish"),
    hangUp: stay("hangUpBehindLast"),
    timeUp: go("forwardingRest", "finish"),
    sourceEnded: nothing,
    allForwarded: go("discarding", "stopTimer", "finish", "discard", "announceEnded"),
    discard: go("discarding", "stopTimer", "finish", "discard"),
    stop: go("stopped", "stopTimer", "stop"),
  },
  discarding: {
    conclude: stay("finish"),
    finish: stay("finish"),
    finishBehindFrame: stay("finish"),
    hangUp: stay("hangUp"),
    timeUp: nothing,
    sourceEnded: nothing,
    allForwarded: stay("announceEnded"),
    discard: nothing,
    stop: go("stopped", "stop"),
  },
  stopped: {
    conclude: nothing,
    finish: nothing,
    finishBehindFrame: nothing,
    hangUp: nothing,
    timeUp: nothing,
    sourceEnded: nothing,
    allForwarded: nothing,
    discard: nothing,
    stop: nothing,
  },
} satisfies Record<FlowPhase, Record<FlowEvent, FlowStep>>;

/** What happens in a phase on an event. */
export function flowStep(phase: FlowPhase, event: FlowEvent): FlowStep {
  return TABLE[phase][event];
}
