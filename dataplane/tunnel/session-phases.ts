/**
 * How a session ends, as one table: for each phase and each event, the next phase and what the tunnel does. Pure; the
 * sockets are in `session-end.ts`. The words are those of RFC 6455 §7.
 */

export type SessionPhase =
  /** Messages go both ways. */
  | "open"
  /** The client's Close frame has been forwarded; the backend's answer is awaited. */
  | "clientClosing"
  /** The backend's Close frame has been forwarded; the client's answer is awaited. */
  | "backendClosing"
  /** Both sockets send FIN. The client has not taken all of its bytes, and keeps its slot in the limits until then. */
  | "hangingUp"
  /** The backend is gone, or the session is destroyed, and the client has not taken its last bytes: it keeps its slot. */
  | "failing"
  /** The gateway has ended the session, and its Close frames are on their way or await their answers. The slot is free. */
  | "failed"
  /** The client has sent its Close frame, and its slot is free; the backend has not ended yet. */
  | "clientLeft"
  /** Nothing is left to tell the client. Its slot is free; both sockets still have to close. */
  | "hungUp"
  /** Both sockets are closed. */
  | "over";

export type SessionEvent =
  /** The gateway ends the session: a permission went away, a time is over, the pod drains. */
  | "terminated"
  /** A flow's source exceeded a limit, or its receiver took too little. */
  | "violated"
  /** A flow's source broke the protocol. */
  | "protocolError"
  /** Memory is short: the bytes that wait for a flow's receiver are given up. */
  | "shed"
  /** A Close frame has been forwarded, with all that came before it. */
  | "closeFromClient"
  | "closeFromBackend"
  /** The peer's Close frame has come when nothing of the peer was forwarded any more: mostly the answer to ours. */
  | "clientAnswered"
  | "backendAnswered"
  /** The peer sends no more (FIN), all that it sent has been forwarded, and it may still read. */
  | "clientEnded"
  | "backendEnded"
  /** Likewise, and the peer's socket is closed. */
  | "clientGone"
  | "backendGone"
  /** Of `awaitTold`: the client has taken all that was written to it, or its socket is closed. */
  | "clientTold"
  /** The session is to end at once, or the wait for its peers is over. */
  | "destroyed"
  | "socketsClosed";

export type SessionAction =
  /** Notes code, end and reason, and stops what ends sessions that are open. */
  | "recordEnd"
  /** Frees the client's slot. */
  | "announceOver"
  /** Causes `clientTold`, at once or later. */
  | "awaitTold"
  /** A Close frame to both peers; where another frame is on its way, behind that. FIN follows later: RFC 6455 §7.1.1. */
  | "closeBoth"
  /** The same, but the peer that broke the protocol first gets the answers that are on their way to it. */
  | "closeBothAfterAnswers"
  /** A Close frame to the client. */
  | "closeClient"
  /** A Close frame to the source of the flow. */
  | "closeSource"
  /** FIN without a Close frame of ours. Does nothing where that has been written. */
  | "endClient"
  | "endBackend"
  | "endSource"
  /** FIN behind the last that is written to the peer, which is a Close frame: the peer has answered it, or sends no more. */
  | "hangUpClient"
  | "hangUpBackend"
  /** Destroys the socket; what still comes for it is read and discarded. */
  | "dropClient"
  | "dropBackend"
  | "dropReceiver"
  | "dropBoth"
  /** Waits for the answer to a Close frame. */
  | "awaitAnswer"
  /** Waits until the peer has taken its bytes and hung up. */
  | "awaitClient"
  | "awaitBackend"
  | "awaitBoth"
  /** Waits for the peers to hang up for a fixed time, whatever they still have to take. */
  | "awaitBriefly"
  /** The same, with time for the answers before. */
  | "awaitAnswersBriefly"
  /** Stops all timers and both flows. */
  | "stop"
  | "announceClosed";

export interface SessionStep {
  /** Undefined: the phase stays. */
  readonly next: SessionPhase | undefined;
  readonly actions: readonly SessionAction[];
}

const go = (next: SessionPhase, ...actions: SessionAction[]): SessionStep => ({ next, actions });
const stay = (...actions: SessionAction[]): SessionStep => ({ next: undefined, actions });
const nothing = stay();

/** Once the end is recorded, the gateway's own reasons only shorten the wait for the peers. */
const ENDED = {
  terminated: stay("awaitBriefly"),
  violated: stay("endBackend", "endClient", "awaitBriefly"),
  protocolError: stay("endBackend", "endClient", "awaitBriefly"),
  shed: stay("dropReceiver", "endSource", "awaitBriefly"),
} satisfies Partial<Record<SessionEvent, SessionStep>>;

const TABLE = {
  open: {
    terminated: go("failed", "recordEnd", "announceOver", "closeBoth", "awaitBriefly"),
    violated: go("failed", "recordEnd", "announceOver", "closeBoth", "awaitBriefly"),
    protocolError: go("failed", "recordEnd", "announceOver", "closeBothAfterAnswers", "awaitAnswersBriefly"),
    shed: go("failed", "recordEnd", "dropReceiver", "announceOver", "closeSource", "awaitBriefly"),
    closeFromClient: go("clientClosing", "recordEnd", "awaitAnswer"),
    closeFromBackend: go("backendClosing", "recordEnd", "awaitAnswer"),
    clientAnswered: nothing,
    backendAnswered: nothing,
    // A client that vanishes looks to the backend as it would without a gateway.
    clientEnded: go("hungUp", "recordEnd", "announceOver", "endBackend", "dropClient", "awaitBackend"),
    clientGone: go("hungUp", "recordEnd", "announceOver", "endBackend", "dropClient", "awaitBackend"),
    backendEnded: go("failing", "recordEnd", "closeClient", "awaitTold", "dropBackend", "awaitClient"),
    backendGone: go("failing", "recordEnd", "closeClient", "awaitTold", "dropBackend", "awaitClient"),
    clientTold: nothing,
    destroyed: go("failing", "recordEnd", "dropBoth"),
    socketsClosed: go("over", "recordEnd", "announceOver", "stop", "announceClosed"),
  },
  clientClosing: {
    ...ENDED,
    shed: stay("dropReceiver", "endClient", "awaitBriefly"), // the backend's answer to the Close frame is awaited
    closeFromClient: nothing,
    closeFromBackend: go("hangingUp", "endBackend", "endClient", "awaitTold", "awaitBoth"),
    clientAnswered: nothing,
    backendAnswered: stay("hangUpBackend"),
    clientEnded: nothing, // it may still read the answer
    clientGone: go("clientLeft", "announceOver", "dropClient", "awaitBackend"),
    backendEnded: go("hangingUp", "endClient", "awaitTold", "dropBackend", "awaitClient"),
    backendGone: go("hangingUp", "endClient", "awaitTold", "dropBackend", "awaitClient"),
    clientTold: nothing,
    destroyed: go("failing", "dropBoth"),
    socketsClosed: go("over", "announceOver", "stop", "announceClosed"),
  },
  backendClosing: {
    ...ENDED,
    // The client's answer to the Close frame is awaited, although it cannot be forwarded any more.
    violated: stay("endBackend", "awaitBriefly"),
    protocolError: stay("endBackend", "awaitBriefly"),
    shed: stay("dropReceiver", "endBackend", "awaitBriefly"),
    closeFromClient: go("hangingUp", "endBackend", "endClient", "awaitTold", "awaitBoth"),
    closeFromBackend: nothing,
    clientAnswered: go("hangingUp", "hangUpClient", "awaitTold"),
    backendAnswered: nothing,
    clientEnded: go("hungUp", "announceOver", "endBackend", "dropClient", "awaitBackend"),
    clientGone: go("hungUp", "announceOver", "endBackend", "dropClient", "awaitBackend"),
    backendEnded: nothing, // it may still read the answer
    backendGone: go("failing", "awaitTold", "dropBackend", "awaitClient"),
    clientTold: nothing,
    destroyed: go("failing", "dropBoth"),
    socketsClosed: go("over", "announceOver", "stop", "announceClosed"),
  },
  hangingUp: {
    ...ENDED,
    closeFromClient: nothing,
    closeFromBackend: nothing,
    clientAnswered: nothing,
    backendAnswered: nothing,
    clientEnded: nothing, // it still reads
    clientGone: go("hungUp", "announceOver", "awaitBackend"),
    backendEnded: nothing,
    backendGone: stay("awaitClient"),
    clientTold: go("hungUp", "announceOver"),
    destroyed: go("failing", "dropBoth"),
    socketsClosed: go("over", "announceOver", "stop", "announceClosed"),
  },
  failing: {
    ...ENDED,
    closeFromClient: nothing,
    closeFromBackend: nothing,
    clientAnswered: stay("hangUpClient"),
    backendAnswered: nothing,
    clientEnded: go("hungUp", "announceOver", "dropClient"),
    clientGone: go("hungUp", "announceOver", "dropClient"),
    backendEnded: nothing,
    backendGone: nothing,
    clientTold: go("failed", "announceOver"),
    destroyed: stay("dropBoth"),
    socketsClosed: go("over", "announceOver", "stop", "announceClosed"),
  },
  failed: {
    ...ENDED,
    // Among the answers after a protocol error of the other peer.
    closeFromClient: go("clientLeft", "hangUpClient"),
    closeFromBackend: stay("hangUpBackend"),
    clientAnswered: stay("hangUpClient"),
    backendAnswered: stay("hangUpBackend"),
    clientEnded: go("hungUp", "closeClient", "hangUpClient"), // it waits for no answers any more
    clientGone: go("hungUp", "dropClient"),
    backendEnded: stay("hangUpBackend"),
    backendGone: nothing,
    clientTold: nothing,
    destroyed: stay("dropBoth"),
    socketsClosed: go("over", "stop", "announceClosed"),
  },
  clientLeft: {
    ...ENDED,
    closeFromClient: nothing,
    closeFromBackend: nothing,
    clientAnswered: nothing,
    backendAnswered: stay("hangUpBackend"),
    clientEnded: nothing,
    clientGone: nothing,
    backendEnded: go("hungUp", "dropBackend"),
    backendGone: go("hungUp", "dropBackend"),
    clientTold: nothing,
    destroyed: stay("dropBoth"),
    socketsClosed: go("over", "stop", "announceClosed"),
  },
  hungUp: {
    ...ENDED,
    closeFromClient: nothing,
    closeFromBackend: nothing,
    clientAnswered: nothing,
    backendAnswered: stay("hangUpBackend"),
    clientEnded: nothing,
    clientGone: stay("awaitBackend"),
    backendEnded: stay("hangUpBackend"),
    backendGone: stay("awaitClient"),
    clientTold: nothing,
    destroyed: stay("dropBoth"),
    socketsClosed: go("over", "stop", "announceClosed"),
  },
  over: {
    terminated: nothing,
    violated: nothing,
    protocolError: nothing,
    shed: nothing,
    closeFromClient: nothing,
    closeFromBackend: nothing,
    clientAnswered: nothing,
    backendAnswered: nothing,
    clientEnded: nothing,
    clientGone: nothing,
    backendEnded: nothing,
    backendGone: nothing,
    clientTold: nothing,
    destroyed: nothing,
    socketsClosed: nothing,
  },
} satisfies Record<SessionPhase, Record<SessionEvent, SessionStep>>;

/** What happens in a phase on an event. */
export function sessionStep(phase: SessionPhase, event: SessionEvent): SessionStep {
  return TABLE[phase][event];
}
