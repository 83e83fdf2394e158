import { afterEach, expect, test } from "vitest";
import { ShakenPlaces, type Fault } from "../../../test/store/shaken-places.ts";
import { STORE_LACKS, StoreServer } from "../../../test/store/server.ts";

/** `PLACES_SEED` repeats a run; `PLACES_MS` makes it longer. */
const SEED = Number(process.env["PLACES_SEED"] ?? Date.now() % 1_000_000_007);
const MS = Number(process.env["PLACES_MS"] ?? 3_000);
/** Fewer handshakes that were let in prove nothing: it goes on for MORE ms, and again, until PATIENCE ms are over. */
const ENOUGH = 20;
const MORE = 1_000;
const PATIENCE = 30_000;
const because = STORE_LACKS === undefined ? "" : ` (${STORE_LACKS})`;

const servers: StoreServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

const DEATHS: readonly Fault[] = ["kill", "leave", "lose", "forget", "drop", "needs"];
const LOSSES: readonly Fault[] = ["flush", "crash", "freeze", "step", "lose"];

const entered = ({ counts }: ShakenPlaces): number => counts["in"] ?? 0;

test.skipIf(STORE_LACKS !== undefined).each<[string, readonly Fault[]]>([
  ["pods die and answers are lost", DEATHS],
  ["the store loses its memory, stands still and sets its clock", LOSSES],
  ["pods are cut off, and what they sent arrives late", ["cut", "cut", "deliver", "kill", "flush", "lose", "drop"]],
])(
  `4 pods hold to the limits while %s${because}`,
  async (_, faults) => {
    const server = await StoreServer.start();
    servers.push(server);
    const shaken = new ShakenPlaces(server, SEED);
    const end = performance.now() + PATIENCE;
    await shaken.begin();
    await shaken.shake(MS, faults);
    // After each loss of its memory the store lets nothing in for a moment, and some seeds lose it all the time.
    while (entered(shaken) <= ENOUGH && performance.now() < end) await shaken.shake(MORE, faults);
    await shaken.heal();
    await shaken.exact();
    await shaken.endAll();
    await shaken.nothingLeft();
    await shaken.close();
    expect(shaken.broken, `PLACES_SEED=${SEED}`).toEqual([]);
    expect(entered(shaken)).toBeGreaterThan(ENOUGH);
  },
  60_000,
);
