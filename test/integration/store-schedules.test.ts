import { afterEach, describe, expect, test } from "vitest";
import { Chance } from "../fakes/chance.ts";
import { EchoBackend } from "../fakes/echo-backend.ts";
import { admittedAbove, highest } from "../fakes/session-history.ts";
import { until } from "../fakes/sockets.ts";
import { Fleet } from "../fakes/store-fleet.ts";
import { Schedule, SCHEDULE_ROUTES, SUBJECTS, type Fault } from "../fakes/store-schedule.ts";
import { command, freeze, freezePod, killPod, partition, restart, step } from "../fakes/store-trouble.ts";
import { CLOCK_LACKS, ShiftedClock } from "../store/clock-shift.ts";
import { placesHeld } from "../store/places-held.ts";
import { STORE_LACKS, StoreServer } from "../store/server.ts";

// Clients that come and go over four gateways and one store, while pods, store and network fail. Another seed:
// STORE_SEED=7 vitest run test/integration/store-schedules.test.ts

const PODS = 4;
const MINUTES = 60_000;
const SEED = Number(process.env["STORE_SEED"] ?? 1);
/** In ms: until a killed pod counts for dead. */
const FREE = 15_000;
/** Longer than any key of places lives after its last write. */
const KEY_LIFE = 11 * MINUTES;

const open: { close(): Promise<void> | void }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

interface Scene {
  readonly store: StoreServer;
  readonly fleet: Fleet;
  readonly schedule: Schedule;
}

async function scene(whenUnavailable: "PerPod" | "Refuse", program?: string): Promise<Scene> {
  const store = await StoreServer.start([], program);
  const backend = await new EchoBackend().open();
  const settings = { whenUnavailable };
  const fleet = await Fleet.start({
    ...{ pods: PODS, store, settings },
    ...{ routes: SCHEDULE_ROUTES, backends: [backend.port] },
  });
  open.push(store, backend, fleet);
  await fleet.counts();
  return { store, fleet, schedule: new Schedule(fleet, new Chance(SEED)) };
}

/** Subjects that had more sessions in some moment than their limit. */
function above({ held }: Schedule): string[] {
  return [...SUBJECTS].flatMap(([subject, limit]) => {
    const most = highest(held, subject);
    return most > limit ? [`${subject}: ${most} of ${limit}`] : [];
  });
}

/** All have healed: counts are exact while sessions are open, and nothing is counted once they have ended. */
async function expectExact({ store, fleet, schedule }: Scene): Promise<void> {
  await fleet.counts();
  const { open: sessions } = schedule;
  await until(
    `the store counts ${String(sessions)}`,
    async () => String(await placesHeld(store)) === String(sessions),
    FREE,
  ).catch(async (error: Error) =>
    expect.fail(`${error.message}, but ${String(await placesHeld(store))}\n${schedule.story.join("\n")}`),
  );
  await fleet.empty();
  await until("the store counts no session", async () => (await placesHeld(store)).length === 0);
}

/** Clients whose sessions ended though neither they nor their gateway ended. */
const ended = ({ fleet }: Scene): string[] => fleet.pods.flatMap(({ lost }) => lost);

const shuffled = (chance: Chance, faults: Readonly<Record<string, Fault>>): [string, Fault][] =>
  Object.entries(faults)
    .map((fault) => ({ fault, at: chance.next() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ fault }) => fault);

describe.skipIf(STORE_LACKS !== undefined)(`random sessions and faults, seed ${SEED}`, () => {
  test.skipIf(CLOCK_LACKS !== undefined)(
    "no subject has ever more sessions than its limit while pods, the store and its clock fail, and no key stays behind",
    async () => {
      const clock = new ShiftedClock();
      open.push(clock);
      const it = await scene("Refuse", clock.program);
      const { store, schedule } = it;
      const faults: Readonly<Record<string, Fault>> = {
        "kill -9 of a pod": killPod,
        "kill -9 of another pod": killPod,
        "the store restarts empty": restart(store),
        "the store's memory is gone": command(store, "FLUSHALL"),
        "its scripts are gone": command(store, "SCRIPT", "FLUSH"),
        "it closes all connections": command(store, "CLIENT", "KILL", "TYPE", "normal"),
        "it freezes for a moment": freeze(store, 300),
        "it freezes for longer": freeze(store, 1500),
        "its clock steps back": step(clock, -30_000),
        "its clock steps forward by nearly the life of a pod": step(clock, 11_000),
        "its clock steps forward by more": step(clock, 60_000),
      };
      await schedule.run(shuffled(schedule.chance, faults));
      expect(above(schedule), schedule.story.join("\n")).toEqual([]);
      expect(schedule.held.length).toBeGreaterThan(100);
      expect(ended(it)).toEqual([]);
      await expectExact(it);
      await it.fleet.close();
      clock.step(KEY_LIFE);
      await until("no key is left", async () => (await store.ask("DBSIZE")) === 0);
    },
    2 * MINUTES,
  );

  test(
    "with Refuse, no handshake is admitted while pods that reach the store hold the limit, in partitions too",
    async () => {
      const it = await scene("Refuse");
      const { store, schedule } = it;
      const faults: Readonly<Record<string, Fault>> = {
        "a pod is cut off": partition("cut", 1000),
        "the way of a pod is silent": partition("silence", 1500),
        "the way of a pod is silent until its watchdog opens another": partition("silence", 4500),
        "a pod freezes": freezePod(700),
        "kill -9 of a pod": killPod,
        "the store restarts empty": restart(store),
        "a pod is cut off until it counts for dead": partition("cut", 13_500),
      };
      await schedule.run(shuffled(schedule.chance, faults));
      expect(admittedAbove(schedule.held, SUBJECTS), schedule.story.join("\n")).toEqual([]);
      expect(schedule.held.length).toBeGreaterThan(100);
      expect(ended(it)).toEqual([]);
      await expectExact(it);
    },
    2 * MINUTES,
  );

  test(
    "with PerPod, the same holds outside the times in which a pod decided by itself",
    async () => {
      const it = await scene("PerPod");
      const { store, schedule } = it;
      const faults: Readonly<Record<string, Fault>> = {
        "nothing goes wrong": (during) => during.sleep(2000),
        "a pod is cut off": partition("cut", 800),
        "the way of a pod is silent": partition("silence", 800),
        "kill -9 of a pod": killPod,
        "the store freezes": freeze(store, 1000),
        "the store restarts empty": restart(store),
        "the store closes all connections": command(store, "CLIENT", "KILL", "TYPE", "normal"),
      };
      await schedule.run(shuffled(schedule.chance, faults));
      const decided = ({ pod, visit: { asked, answered = asked } }: (typeof schedule.held)[number]): boolean =>
        pod.during(asked, answered);
      expect(admittedAbove(schedule.held, SUBJECTS, decided), schedule.story.join("\n")).toEqual([]);
      expect(schedule.held.filter(decided).length).toBeGreaterThan(10);
      expect(schedule.refused.get("503 StoreUnavailable")).toBe(undefined);
      expect(ended(it)).toEqual([]);
      await expectExact(it);
    },
    2 * MINUTES,
  );
});
