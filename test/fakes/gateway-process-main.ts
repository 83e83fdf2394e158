import { getHeapStatistics } from "node:v8";
import { DEBUG } from "../../api/debug.ts";
import { adminEndpoints } from "../../dataplane/admin/admin.ts";
import { dataPath, SharedPath } from "../../dataplane/tunnel/byte-source.ts";
import { BufferBudget } from "../../dataplane/process/buffer-budget.ts";
import { Descriptors, descriptorsForSockets } from "../../dataplane/process/descriptors.ts";
import { Gateway } from "../../dataplane/gateway.ts";
import { Metrics } from "../../dataplane/metrics.ts";
import { AdminGate } from "../../runtime/admin-port/admin-gate.ts";
import { adminServer, type AdminServer } from "../../runtime/admin-port/admin-server.ts";
import { systemClock } from "../../runtime/clock.ts";
import { descriptorLimit } from "../../runtime/descriptor-limit.ts";
import type { Fields, Log } from "../../runtime/log.ts";
import { FakeClock } from "./clock.ts";
import { configOf, endpointsOf, type ConfigParts } from "./config.ts";
import { ADMIN_TOKEN, type ProcessOptions } from "./gateway-process.ts";
import { asked, StalledReader } from "./event-reader.ts";
import { LoopTurns } from "./loop-turns.ts";
import { sumOf } from "./metric-sum.ts";
import { tellHandshakes } from "./told-handshakes.ts";

const options = JSON.parse(process.argv[2] ?? "{}") as ProcessOptions;
const kept: object[] = [];
const line =
  (level: string) =>
  (fields: Fields, message: string): void =>
    void (options.watched === true && kept.push({ at: String(process.hrtime.bigint()), level, message, fields }));
const log: Log = { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };
const byHand = options.clock === "by hand" ? new FakeClock(Date.now()) : undefined;
const clock = byHand ?? systemClock;
const limit = options.bufferBudget ?? Number.POSITIVE_INFINITY;
const budget = new BufferBudget({ limit, clock, log });
const metrics = new Metrics();
const turns = options.watched === true ? new LoopTurns() : undefined;
const gateway = new Gateway({
  clock,
  random: Math.random,
  log,
  budget,
  descriptors: new Descriptors(descriptorsForSockets(descriptorLimit()), clock, log),
  metrics,
  bind: () => ({ host: "127.0.0.1", port: 0 }),
  reads: options.path === "data" ? dataPath : new SharedPath(),
});

let versions = 0;
async function apply(parts: ConfigParts): Promise<void> {
  const [config, hash] = [configOf(parts), String((versions += 1))];
  const update = { config, endpoints: endpointsOf(options.ports), hash, endpointsHash: "1" };
  for (const applied of await gateway.apply([await gateway.read(update)]))
    if (!applied.ok) throw new Error(applied.problems.join("; "));
}
await apply(options.config ?? {});

const cpu = (): number => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

const sessions = () => gateway.proxies.flatMap((proxy) => [...proxy.sessions]);
const buffered = (): number => sessions().reduce((sum, session) => sum + session.buffered, 0);

/** Collects twice: the memory of buffers is given back beside the program, after the collection that found them unused. */
async function usage(): Promise<object> {
  globalThis.gc?.();
  await new Promise((resolve) => setTimeout(resolve, 5));
  globalThis.gc?.();
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
  const { total_physical_size: pages, used_heap_size: objects } = getHeapStatistics();
  return {
    cpu: cpu(),
    rss,
    kept: rss - (pages - objects),
    heap: heapUsed + Math.max(external, arrayBuffers),
    sessions: sessions().length,
    used: budget.used,
    ended: budget.ended,
    buffered: buffered(),
  };
}

/** Watchers of `/debug/events` that read nothing and were cut. */
let cut = 0;
/** Opens as many of them as there may be, from now on also for each that is cut; says how many were so far. */
function stall(): number {
  for (let stream = asked(gateway); typeof stream !== "string"; stream = asked(gateway)) {
    const reader = new StalledReader(DEBUG.unread);
    const leave = stream.open(reader);
    reader.leave = () => {
      leave();
      cut += 1;
      setImmediate(stall);
    };
  }
  return cut;
}

let admin: Promise<AdminServer> | undefined;
/** Opens its admin port; says which one it is. */
async function adminPort(): Promise<number> {
  const gate = new AdminGate();
  gate.use(ADMIN_TOKEN);
  admin ??= adminServer(adminEndpoints(gateway, metrics, clock), "127.0.0.1", 0, { gate });
  return (await admin).port;
}

const answers: Readonly<Record<string, () => unknown>> = {
  cpu,
  buffered,
  usage,
  stall,
  admin: adminPort,
  turn: () => turns?.longest(),
  lines: () => kept.splice(0),
  leave: () => gateway.drain(0, AbortSignal.abort()).then(() => "left"),
};

interface Question {
  readonly metric?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly config?: ConfigParts;
  readonly handshakes?: { readonly perSecond: number; readonly seconds: number };
}

async function answer(what: string | number | Question): Promise<unknown> {
  if (typeof what === "string") return await answers[what]?.();
  if (typeof what === "number") byHand?.advance(what);
  else if (what.metric !== undefined) return await sumOf(metrics, what.metric, what.labels);
  else if (what.config !== undefined) await apply(what.config);
  else if (what.handshakes !== undefined) {
    const { perSecond, seconds } = what.handshakes;
    return await tellHandshakes(gateway.watching, perSecond, seconds);
  }
  return "done";
}

process.on("message", (what: string | number) => void answer(what).then((said) => process.send?.(said)));
process.on("disconnect", () => process.exit());
process.send?.(gateway.port("test/proxy"));
