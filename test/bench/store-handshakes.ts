import { once } from "node:events";
import { connect } from "node:net";
import { keyOf, withKeys } from "../fakes/api-keys.ts";
import { request } from "../fakes/clients.ts";
import { EchoBackend } from "../fakes/echo-backend.ts";
import type { GatewayProcess } from "../fakes/gateway-process.ts";
import type { StoreServer } from "../store/server.ts";
import { gateway, median, share, unanswered, usageOf } from "./store-gateways.ts";

/** Handshakes under way at the same time. */
const AT_ONCE = 8;
const CLIENTS = Array.from({ length: 200 }, (_, n) => `client-${n}`);
const POLICIES = { ...withKeys(CLIENTS), connections: [{ per: "Client", limit: 1000 }] };

/** Of one handshake, and the end of its session, in µs; times in ms. */
export interface HandshakeCost {
  readonly gateway: number;
  readonly store: number;
  /** Scripts that the store ran for it. */
  readonly scripts: number;
  readonly median: number;
  readonly p99: number;
}

/** Handshakes with an API key and a limit of sessions per Client: without a store, and beside it with one. */
export async function handshakes(
  store: StoreServer,
  { rounds, ms }: { readonly rounds: number; readonly ms: number },
): Promise<{ readonly without: HandshakeCost; readonly with: HandshakeCost; readonly unanswered: number }> {
  const backend = await new EchoBackend().open();
  const gateways = [await gateway(POLICIES, backend.port), await gateway(POLICIES, backend.port, store)] as const;
  try {
    const costs: HandshakeCost[][] = gateways.map(() => []);
    for (const one of gateways) await storm(one.port, ms / 2); // warm
    for (let round = 0; round < rounds; round += 1) {
      for (const [at, one] of gateways.entries()) costs[at]?.push(await measured(one, store, ms));
    }
    const [without = [], beside = []] = costs;
    return { without: middle(without), with: middle(beside), unanswered: await unanswered(gateways[1]) };
  } finally {
    for (const one of gateways) await one.close();
    backend.close();
  }
}

async function measured(process: GatewayProcess, store: StoreServer, ms: number): Promise<HandshakeCost> {
  const [cpu, used] = [await process.cpu(), await usageOf(store)];
  const times = await storm(process.port, ms);
  const [cpuAfter, usedAfter] = [await process.cpu(), await usageOf(store)];
  return {
    gateway: (cpuAfter - cpu) / times.length,
    store: (usedAfter.cpu - used.cpu) / times.length,
    scripts: (usedAfter.scripts - used.scripts) / times.length,
    median: median(times),
    p99: share(times, 0.99),
  };
}

/** Clients that connect, are answered, and leave; the times from the connection to the 101, in ms. */
async function storm(port: number, ms: number): Promise<number[]> {
  const times: number[] = [];
  const end = performance.now() + ms;
  const client = async (number: number): Promise<void> => {
    for (let n = number; performance.now() < end; n += AT_ONCE) times.push(await shake(port, CLIENTS[n % 200] ?? ""));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, (_, number) => client(number)));
  return times;
}

async function shake(port: number, client: string): Promise<number> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  socket.on("error", () => socket.destroy());
  await once(socket, "connect");
  const begun = performance.now();
  socket.write(request({ headers: { "x-api-key": keyOf(client) } }));
  const [head] = (await once(socket, "data")) as [Buffer];
  const time = performance.now() - begun;
  if (!head.toString("latin1").startsWith("HTTP/1.1 101")) throw new Error(head.toString("latin1"));
  socket.destroy();
  return time;
}

function middle(costs: readonly HandshakeCost[]): HandshakeCost {
  const of = (name: keyof HandshakeCost): number => median(costs.map((cost) => cost[name]));
  return { gateway: of("gateway"), store: of("store"), scripts: of("scripts"), median: of("median"), p99: of("p99") };
}
