import { connect, type Socket } from "node:net";
import { parseArgs } from "node:util";
import { keyOf, withKeys } from "../fakes/api-keys.ts";
import { EchoBackend } from "../fakes/echo-backend.ts";
import { ADMIN_TOKEN, GatewayProcess } from "../fakes/gateway-process.ts";
import { IMAGE_FLAGS } from "../fakes/image-flags.ts";
import { Driver } from "./load.ts";

/**
 * Measures what a watcher costs: CPU of the gateway's process with 1,000 messages a second, alone, with a reader of
 * `/debug/events` and with one of `/debug/frames`, alternating in one run, all over real sockets. Compare the ratios.
 */
const { values: flags } = parseArgs({
  options: { rounds: { type: "string", default: "7" }, ms: { type: "string", default: "4000" } },
});

/** A round trip is two messages. */
const SESSIONS = 100;
const PACE = 200;
const WATCHERS = {
  none: undefined,
  events: "/debug/events",
  frames: "/debug/frames?client=alice&seconds=600",
} as const;

interface Watcher {
  readonly socket: Socket;
  bytes: number;
}

function watch(port: number, target: string): Watcher {
  const watcher = { socket: connect(port, "127.0.0.1"), bytes: 0 };
  watcher.socket.on("data", (chunk: Buffer) => (watcher.bytes += chunk.length));
  watcher.socket.write(`GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${ADMIN_TOKEN}\r\n\r\n`);
  return watcher;
}

const backend = await new EchoBackend().open();
backend.size = 125;
const config = { routes: [{ policies: withKeys(["alice"]) }] };
const gateway = await GatewayProcess.start({ ports: [backend.port], config, flags: IMAGE_FLAGS });
const admin = await gateway.adminPort();
const headers = { "X-Api-Key": keyOf("alice") };
const driver = await Driver.open(gateway.port, { sessions: SESSIONS, size: 125, inFlight: 1, pace: PACE, headers });
const ms = Number(flags.ms);
await driver.run(ms); // warm

const kinds = Object.keys(WATCHERS) as (keyof typeof WATCHERS)[];
const figures = new Map(kinds.map((kind): [string, number[]] => [kind, []]));
for (let round = 0; round < Number(flags.rounds); round += 1) {
  const cells: string[] = [];
  for (const kind of kinds) {
    const target = WATCHERS[kind];
    const watcher = target === undefined ? undefined : watch(admin, target);
    await driver.run(500);
    const read = watcher?.bytes ?? 0;
    const before = await gateway.cpu();
    const began = performance.now();
    const trips = await driver.run(ms);
    const perSecond = (1000 * trips * 2) / (performance.now() - began);
    const cost = ((await gateway.cpu()) - before) / (2 * trips);
    figures.get(kind)?.push(cost);
    cells.push(`${kind} ${cost.toFixed(1)} (${perSecond.toFixed(0)}/s, ${(watcher?.bytes ?? 0) - read} B read)`);
    watcher?.socket.destroy();
  }
  console.log(cells.join(" | "));
}
const median = (values: readonly number[] = []): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
const alone = median(figures.get("none"));
for (const [kind, values] of figures) {
  const ratios = values.map((value, round) => value / (figures.get("none")?.[round] ?? Number.NaN));
  console.log(
    `${kind}: ${median(values).toFixed(1)} µs a message, ${(median(values) / alone).toFixed(3)} of alone; in pairs ${median(ratios).toFixed(3)}`,
  );
}
driver.close();
await gateway.close();
backend.close();
