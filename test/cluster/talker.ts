import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { seconds, type Report } from "./report.ts";
import type { Session } from "./session.ts";

/** Messages of one client, over all pods. */
export const MESSAGES = { limit: 100, interval: "1s", burst: 100, onExceed: "Delay" };
/** How long it talks, in ms. */
const TALK = 2_000;
/** The clock of the store may be stepped by so much, in ms. */
const GRAIN = 50;
/** As much of the limit is used, at the least. */
const LEAST = 0.9;

/**
 * One client talks as fast as it can, with a session on each pod: what comes back is what all pods let through.
 * Resolves with the check that it was what the limit permits.
 */
export async function talk(report: Report, sessions: readonly Session[]): Promise<() => void> {
  const since = Date.now();
  const most = MESSAGES.burst + (MESSAGES.limit * TALK) / 1000;
  for (const session of sessions) for (let count = 1; count <= most; count += 1) session.send(`message ${count}`);
  await sleep(TALK);
  for (const session of sessions) session.socket.terminate();
  const came = sessions
    .flatMap(({ entry }) => entry.received.map(({ at }) => at - since))
    .filter((at) => at <= TALK)
    .toSorted((a, b) => a - b);
  report.figure(`messages in ${seconds(TALK)}, of ${most} at the most`, String(came.length));
  return () => {
    for (const [index, at] of came.entries()) {
      const lawful = MESSAGES.burst + (MESSAGES.limit * (at + GRAIN)) / 1000;
      assert.ok(index + 1 <= lawful, `${index + 1} messages after ${at} ms`);
    }
    assert.ok(came.length >= LEAST * most, `only ${came.length} messages`);
    for (const { entry } of sessions) assert.ok(entry.received.length > 0, "a session had no message through");
  };
}
