/** @import { Gateway } from "./gateway.js" */

/** Between two attempts at least and at most, in ms. */
const PAUSE = { least: 1000, most: 15_000 };

/**
 * @typedef {object} WatchCalls
 * @property {() => void} opened the gateway lets this page watch
 * @property {(name: string, json: unknown) => void} took
 * @property {(error: unknown, seconds: number) => void} failed and when it is tried again
 * @property {() => void} ended the stream was over without an error
 */

/**
 * Watches the stream of events, and begins again whenever it ends, more and more slowly while it fails. Resolves once the
 * signal aborts.
 * @param {Gateway} gateway
 * @param {WatchCalls} calls
 * @param {AbortSignal} signal
 */
export async function watchEvents(gateway, { opened, took, failed, ended }, signal) {
  let pause = PAUSE.least;
  const taker = {
    opened: () => {
      pause = PAUSE.least;
      opened();
    },
    took,
  };
  while (!signal.aborted) {
    try {
      await gateway.stream("/debug/events", taker, signal);
      ended();
    } catch (error) {
      if (signal.aborted) return;
      failed(error, pause / 1000);
    }
    await slept(pause, signal);
    pause = Math.min(PAUSE.most, 2 * pause);
  }
}

/**
 * @param {number} ms
 * @param {AbortSignal} signal ends it early
 * @returns {Promise<void>}
 */
export function slept(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
  });
}
