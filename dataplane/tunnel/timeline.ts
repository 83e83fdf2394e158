/** What happens in the life of a session besides its frames. */
export type Moment = "paused" | "resumed" | "ping" | "pong" | "closeSent" | "closeReceived";

export type Direction = "fromClient" | "fromBackend";

/** Where a tunnel tells of it, whether or not it is watched. */
export interface TunnelTimeline {
  /**
   * `direction` is that of the flow: `fromClient` of a Close frame that is sent means that the backend gets it. Absent for
   * pings and pongs. `code`: of a Close frame, if it has one that may stand on the wire.
   */
  happened(what: Moment, direction?: Direction, code?: number): void;
}
