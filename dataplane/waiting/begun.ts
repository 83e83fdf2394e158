/** A TLS handshake that is under way. */
export interface Begun {
  /** Since then, on the monotonic clock, in ms. */
  readonly at: number;
}
