import type { ConfigParts } from "../fakes/config.ts";
import { GatewayProcess } from "../fakes/gateway-process.ts";
import { IMAGE_FLAGS } from "../fakes/image-flags.ts";
import { until } from "../fakes/sockets.ts";
import type { StoreServer } from "../store/server.ts";

/** Clients of this bench answer no ping. */
const WITHOUT_PINGS = { interval: "0s", timeout: "10s", strict: false };

/** What a store has used since it started. */
export interface StoreUsage {
  /** CPU in µs. */
  readonly cpu: number;
  /** Scripts that it ran: each is one command of a gateway. */
  readonly scripts: number;
}

/** A gateway with these policies on its one route; with a store once its limits count there. */
export async function gateway(
  policies: object,
  backend: number,
  store?: StoreServer,
  whenUnavailable: "PerPod" | "Refuse" = "PerPod",
): Promise<GatewayProcess> {
  const config: ConfigParts = {
    trustedProxies: ["127.0.0.1/32"],
    routes: [{ policies: { ...policies, keepalive: WITHOUT_PINGS } }],
    ...(store === undefined ? {} : { store: { address: store.address, whenUnavailable } }),
  };
  const process = await GatewayProcess.start({ ports: [backend], config, flags: IMAGE_FLAGS });
  if (store === undefined) return process;
  const available = async (): Promise<boolean> => (await process.metric("store_available")) === 1;
  await until("the gateway counts in the store", available);
  return process;
}

/** Calls of a gateway to its store that were not answered in time. */
export async function unanswered(process: GatewayProcess): Promise<number> {
  const ended = (result: string): Promise<number> => process.metric("store_requests_total", { result });
  return (await ended("Late")) + (await ended("Failed"));
}

/** The header that makes session `n` another client than all others: its address, by a trusted proxy. */
export function clientAddress(n: number): Readonly<Record<string, string>> {
  return { "X-Forwarded-For": `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}` };
}

export async function usageOf(store: StoreServer): Promise<StoreUsage> {
  const text = String(await store.ask("INFO", "cpu")) + String(await store.ask("INFO", "commandstats"));
  const sum = (pattern: RegExp): number =>
    [...text.matchAll(pattern)].reduce((total, [, value = ""]) => total + Number(value), 0);
  return {
    cpu: sum(/^used_cpu_(?:sys|user):([\d.]+)/gm) * 1e6,
    scripts: sum(/^cmdstat_eval(?:sha)?:calls=(\d+)/gm),
  };
}

export const median = (values: readonly number[]): number => share(values, 0.5);

/** The value below which this share of them is. */
export function share(values: readonly number[], part: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * part)] ?? Number.NaN;
}
