import { setTimeout as sleep } from "node:timers/promises";

/** Milliseconds; no two neighbours are alike, and all lie within a second. */
const STEP = 370;
const MOST = 1000;

/**
 * Lets a while pass before the n-th change, so that each comes at a moment of its own: a kubelet that has just brought a
 * pod's volume up to date takes up to a second for the next time, and changes back to back would measure only that.
 */
export async function moment(turn: number, signal: AbortSignal): Promise<void> {
  await sleep((turn * STEP) % MOST, undefined, { signal });
}
