import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ArrivalsBackend, excess, total, type Arrivals, type Rate } from "../fakes/arrivals.ts";
import { binary } from "../fakes/frames.ts";
import { send } from "../fakes/sender.ts";
import { CLIENTS, Fleet, fleetRoute } from "../fakes/store-fleet.ts";
import { STORE_LACKS, StoreServer } from "../store/server.ts";

// One client with a session on each of four gateways sends as fast as it can, over several intervals of each limit.

const PODS = 4;
const MINUTES = 60_000;
const TIME = 11_500;
/** Payload bytes of a message. */
const PAYLOAD = 100;
/** For how long a pod decides by itself after an answer that failed, in s. */
const ALONE = 0.25;
/** Frames in one write. */
const BATCH = 8;

/** Limits by the path of their route. */
const ROUTES = [
  { name: "delay", unit: "messages", pause: 1, rate: { perSecond: 200, burst: 100 }, messages: "Delay" },
  { name: "drop", unit: "messages", pause: 4, rate: { perSecond: 200, burst: 100 }, messages: "Drop" },
  { name: "close", unit: "messages", pause: 20, rate: { perSecond: 200, burst: 100 }, messages: "Close" },
  { name: "slow", unit: "messages", pause: 20, rate: { perSecond: 20, burst: 4 }, messages: "Delay" },
  { name: "bytes", unit: "bytes", pause: 1, rate: { perSecond: 40_000, burst: 20_000 }, messages: undefined },
] as const;

let store: StoreServer;
let backend: ArrivalsBackend;
let fleet: Fleet;
let arrivals: Arrivals;
/** In ms, when the first was sent, and when the last had arrived. */
let span: { readonly from: number; readonly to: number };

const limit = ({ perSecond, burst }: Rate, onExceed: string): object => ({
  fromClient: [{ per: "Client", limit: perSecond, interval: "1s", burst, onExceed }],
});

describe.skipIf(STORE_LACKS !== undefined)("messages of one client over four gateways with one store", () => {
  beforeAll(async () => {
    store = await StoreServer.start();
    backend = await ArrivalsBackend.start();
    const routes = ROUTES.map(({ name, rate, messages }) => ({
      ...fleetRoute(
        name,
        messages === undefined
          ? { bytes: limit(rate, "Delay") }
          : { messages: limit(rate, messages), ...(messages === "Drop" ? { compression: "Disabled" } : {}) },
      ),
      ownPolicies: ["messages", "bytes"],
    }));
    fleet = await Fleet.start({ pods: PODS, store, routes, backends: [backend.port] });
    for (const pod of fleet.pods) pod.lines.length = 0;
    const from = performance.now();
    const stop = AbortSignal.timeout(TIME);
    const frames = Buffer.concat(Array.from({ length: BATCH }, () => binary(Buffer.alloc(PAYLOAD, 1), true)));
    await Promise.all(
      ROUTES.flatMap(({ name, pause }) =>
        fleet.pods.map((pod) => send(pod, { client: CLIENTS[0] ?? "", target: `/${name}`, frames, pause }, stop)),
      ),
    );
    span = { from, to: performance.now() };
    arrivals = await backend.arrivals();
  }, 2 * MINUTES);
  afterAll(async () => {
    await fleet.close();
    backend.close();
    await store.close();
  });

  test("the store was asked, and each pod had a part", async () => {
    for (const pod of fleet.pods)
      expect(await pod.requests({ operation: "Borrow", result: "Answered" })).toBeGreaterThan(20);
  });

  test.each(ROUTES)(
    "$name: in no window more than the burst and what the rate gives in its time",
    async ({ name, unit, rate }) => {
      const came = arrivals.byPath[`/${name}`] ?? [];
      const seconds = (span.to - span.from) / 1000;
      const alone = await permittedAlone(rate, seconds);
      expect(total(came, unit)).toBeLessThanOrEqual(rate.burst + rate.perSecond * seconds + alone);
      // A backend without a core notes an arrival too late: a window that begins with such a one looks too short.
      const late = ((arrivals.late + 5) / 1000) * rate.perSecond;
      expect(excess(came, unit, rate)).toBeLessThanOrEqual(Math.max(unit === "bytes" ? PAYLOAD : 1, late) + alone);
    },
  );

  test.each(ROUTES)("$name: at least 95 % of what is permitted is used", ({ name, unit, rate }) => {
    const came = arrivals.byPath[`/${name}`] ?? [];
    const seconds = ((came.at(-1)?.at ?? 0) - (came[0]?.at ?? 0)) / 1000;
    expect(seconds).toBeGreaterThan(9.5);
    expect(total(came, unit) / (rate.burst + rate.perSecond * seconds)).toBeGreaterThan(0.95);
  });
});

/** What pods may let through by themselves because the store, on a machine without a free core, did not answer in time. */
async function permittedAlone({ burst, perSecond }: Rate, seconds: number): Promise<number> {
  let permitted = 0;
  for (const pod of fleet.pods) {
    const late = await pod.unanswered({ operation: "Borrow" });
    await pod.listen();
    const gone = pod.lines.some(({ message }) => message === "store unavailable");
    const once = burst + perSecond * ALONE;
    permitted += Math.min(burst + perSecond * seconds, gone ? Number.POSITIVE_INFINITY : late * once);
  }
  return permitted;
}
