import { EchoBackend } from "../fakes/echo-backend.ts";
import type { GatewayProcess } from "../fakes/gateway-process.ts";
import type { StoreServer } from "../store/server.ts";
import { Driver, type Load } from "./load.ts";
import { clientAddress, gateway, median, unanswered, usageOf } from "./store-gateways.ts";

export interface MessageLoad {
  readonly name: string;
  readonly load: Load;
  /** Of the limit of messages per Client, which no client reaches. */
  readonly limit: number;
  /** How much longer it runs than the others. */
  readonly longer: number;
}

const SIZE = 125;

export const MESSAGE_LOADS: readonly MessageLoad[] = [
  {
    name: "100 sessions of one client, each as fast as it can",
    load: { sessions: 100, size: SIZE, inFlight: 1, headersOf: () => clientAddress(1) },
    ...{ limit: 100_000, longer: 1 },
  },
  {
    name: "100 clients, each as fast as it can",
    load: { sessions: 100, size: SIZE, inFlight: 1, headersOf: clientAddress },
    ...{ limit: 10_000, longer: 1 },
  },
  {
    name: "2,000 clients, each one message a second",
    load: { sessions: 2000, size: SIZE, inFlight: 1, pace: 1000, headersOf: clientAddress },
    ...{ limit: 100, longer: 10 },
  },
];

/** Of one message and its answer, in µs. */
export interface MessageCost {
  readonly without: number;
  readonly with: number;
  /** CPU of the store. */
  readonly store: number;
  /** Scripts that the store ran in a second. */
  readonly scripts: number;
  /** Calls to the store in all rounds that were not answered in time. */
  readonly unanswered: number;
}

/** Messages under a limit per Client: without a store, and beside it with one. */
export async function messages(
  store: StoreServer,
  { load, limit, longer }: MessageLoad,
  { rounds, ms }: { readonly rounds: number; readonly ms: number },
): Promise<MessageCost> {
  const fromClient = [{ per: "Client", limit, interval: "1s", burst: limit }];
  const policies = { messages: { fromClient } };
  const backend = await new EchoBackend().open();
  backend.size = load.size;
  const [alone, shared] = [await gateway(policies, backend.port), await gateway(policies, backend.port, store)];
  const drivers = [await Driver.open(alone.port, load), await Driver.open(shared.port, load)] as const;
  try {
    const time = ms * longer;
    const rows: Omit<MessageCost, "unanswered">[] = [];
    for (const driver of drivers) await driver.run(time / 2); // warm
    for (let round = 0; round < rounds; round += 1) {
      // Quiet clients have given back what they held: what is measured is a client in the middle of its messages.
      const again = 3 * (load.pace ?? 0);
      await drivers[0].run(again);
      const without = await perTrip(alone, drivers[0], time);
      await drivers[1].run(again);
      const before = await usageOf(store);
      const beside = await perTrip(shared, drivers[1], time);
      const after = await usageOf(store);
      rows.push({
        without: without.cpu,
        with: beside.cpu,
        store: (after.cpu - before.cpu) / beside.trips,
        scripts: ((after.scripts - before.scripts) * 1000) / time,
      });
    }
    const of = (name: keyof (typeof rows)[number]): number => median(rows.map((row) => row[name]));
    return {
      ...{ without: of("without"), with: of("with"), store: of("store"), scripts: of("scripts") },
      unanswered: await unanswered(shared),
    };
  } finally {
    for (const driver of drivers) driver.close();
    for (const one of [alone, shared]) await one.close();
    backend.close();
  }
}

async function perTrip(process: GatewayProcess, driver: Driver, ms: number): Promise<{ cpu: number; trips: number }> {
  const before = await process.cpu();
  const trips = await driver.run(ms);
  return { cpu: ((await process.cpu()) - before) / trips, trips };
}
