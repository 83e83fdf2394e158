import { RawClient, request } from "../fakes/clients.ts";
import type { ConfigParts } from "../fakes/config.ts";
import { GatewayProcess } from "../fakes/gateway-process.ts";
import { IMAGE_FLAGS } from "../fakes/image-flags.ts";
import { until } from "../fakes/sockets.ts";
import type { StoreServer } from "../store/server.ts";

/** What a store has used since it started. */
export interface StoreUsage {
  /** CPU in µs. */
  readonly cpu: number;
  /** Scripts that it ran: each is one command of a gateway. */
  readonly scripts: number;
}

/**
 * A gateway with these policies on its one route, a limit of sessions among them; with a store once it counts there,
 * and no other limit decides meanwhile. `headers`: what a handshake needs that it admits.
 */
export async function gateway(
  policies: object,
  backend: number,
  store?: StoreServer,
  headers: Readonly<Record<string, string>> = {},
): Promise<GatewayProcess> {
  const config: ConfigParts = {
    trustedProxies: ["127.0.0.1/32"],
    routes: [{ policies: { ...policies } }],
    ...(store === undefined ? {} : { store: { address: store.address, whenUnavailable: "Refuse" } }),
  };
  const process = await GatewayProcess.start({ ports: [backend], config, flags: IMAGE_FLAGS });
  await until("the gateway counts in the store", async () => {
    const client = await RawClient.send(process.port, request({ headers }));
    const { status } = await client.answer();
    client.socket.destroy();
    return status !== 503;
  });
  return process;
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
