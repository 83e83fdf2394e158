import type { ShiftedClock } from "../store/clock-shift.ts";
import type { StoreServer } from "../store/server.ts";
import type { Fault, Schedule } from "./store-schedule.ts";
import { until } from "./sockets.ts";
import type { FleetPod } from "./store-fleet.ts";
import { now } from "./visits.ts";

// Faults of a schedule. Those of pods and store keep the limit; those of the way between them may break it.

/** kill -9 of a gateway; another one comes in its place. */
export const killPod: Fault = async (it) => {
  const { pod } = it;
  it.away.add(pod);
  await pod.gateway.kill();
  await it.sleep(it.chance.below(500));
  await it.fleet.join(pod);
};

/** kill -9 of the store, which comes back with nothing in its memory. */
export const restart =
  (store: StoreServer): Fault =>
  async (it) => {
    await store.kill();
    await it.sleep(it.chance.below(700));
    await store.again();
    await it.fleet.counts();
  };

export const freeze =
  (store: StoreServer, ms: number): Fault =>
  async (it) => {
    store.freeze();
    await it.sleep(ms);
    store.thaw();
  };

export const command =
  (store: StoreServer, ...words: readonly string[]): Fault =>
  async () => {
    await store.ask(...words);
  };

export const step =
  (clock: ShiftedClock, ms: number): Fault =>
  async (it) => {
    clock.step(ms);
    await it.sleep(3000);
  };

/** A gateway without its store for so many ms; it hears of it or not. */
export const partition =
  (how: "cut" | "silence", ms: number): Fault =>
  async (it) => {
    const { pod } = it;
    if (how === "cut") await pod.cut();
    else {
      pod.past.doubt(now());
      await pod.relay.silence();
    }
    await it.sleep(ms);
    await pod.relay.heal();
  };

/** SIGSTOP of a gateway for so many ms. */
export const freezePod =
  (ms: number): Fault =>
  async (it) => {
    const { pod } = it;
    it.away.add(pod);
    pod.past.doubt(now());
    pod.gateway.freeze();
    await it.sleep(ms);
    pod.gateway.thaw();
    it.away.delete(pod);
    it.follow(surelyBack(it, pod));
  };

/** Longer than every later fault, which may hit the same gateway. */
const BACK = 30_000;

/**
 * It counts again for certain once the store has answered two of its renewals: if the first came too late, it has joined
 * anew since. A later fault may hit it before: it is killed, or whatever made it doubtful again tells when it counts.
 */
async function surelyBack(it: Schedule, pod: FleetPod): Promise<void> {
  const { doubts } = pod.past;
  const renewals = (): Promise<number> =>
    pod.gateway.metric("store_requests_total", { operation: "Renew", result: "Answered" });
  const hitAgain = (): boolean => !pod.gateway.alive || pod.past.doubts > doubts;
  const counts = async (before: number): Promise<boolean> => (await renewals()) > before + 1 && (await pod.available());
  try {
    const before = await renewals();
    await until("two renewals were answered", async () => hitAgain() || (await counts(before)), BACK);
  } catch (error) {
    if (pod.gateway.alive) throw error;
  }
  if (hitAgain()) return;
  pod.past.sure(now());
  it.tell("the frozen pod counts again");
}
