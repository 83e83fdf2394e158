/** Times of the shared places, in ms. Those of the store run on the server's clock. */
export interface PlaceTimes {
  /** An id that is not renewed lives so long: what a killed pod held is free after it. */
  readonly ttl: number;
  /** From one renewal to the next. */
  readonly renew: number;
  /** So long after the store lost its memory it may not know all pods. */
  readonly grace: number;
  /** A subject's key lives so long after a pod's first place, or its last walk. */
  readonly life: number;
  /** Until a count that may be wrong is written anew. */
  readonly dirty: number;
  /** Until a count that is probably right is written anew. */
  readonly suspect: number;
  /** Until what failed is tried again. */
  readonly again: number;
}

export const PLACE_TIMES: PlaceTimes = {
  ttl: 12_000,
  renew: 2_000,
  grace: 3_000,
  life: 600_000,
  dirty: 20,
  suspect: 500,
  again: 250,
};
