import { dataPath, SharedPath } from "../../dataplane/tunnel/byte-source.ts";
import { BufferBudget } from "../../dataplane/process/buffer-budget.ts";
import { Descriptors, descriptorsForSockets } from "../../dataplane/process/descriptors.ts";
import { Gateway } from "../../dataplane/gateway.ts";
import { Metrics } from "../../dataplane/metrics.ts";
import { systemClock } from "../../runtime/clock.ts";
import { descriptorLimit } from "../../runtime/descriptor-limit.ts";
import { configOf, endpointsOf } from "./config.ts";
import type { ProcessOptions } from "./gateway-process.ts";

const options = JSON.parse(process.argv[2] ?? "{}") as ProcessOptions;
const silent = (): void => {};
const log = { debug: silent, info: silent, warn: silent, error: silent };
const limit = options.bufferBudget ?? Number.POSITIVE_INFINITY;
const budget = new BufferBudget({ limit, clock: systemClock, log });
const gateway = new Gateway({
  clock: systemClock,
  random: Math.random,
  log,
  budget,
  descriptors: new Descriptors(descriptorsForSockets(descriptorLimit()), systemClock, log),
  metrics: new Metrics(),
  bind: () => ({ host: "127.0.0.1", port: 0 }),
  reads: options.path === "data" ? dataPath : new SharedPath(),
});
const config = configOf(options.config ?? {});
const update = { config, endpoints: endpointsOf(options.ports), hash: "1", endpointsHash: "1" };
for (const applied of await gateway.apply([await gateway.read(update)]))
  if (!applied.ok) throw new Error(applied.problems.join("; "));

const cpu = (): number => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

function usage(): object {
  globalThis.gc?.();
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
  const sessions = gateway.proxies.flatMap((proxy) => [...proxy.sessions]);
  return {
    cpu: cpu(),
    rss,
    heap: heapUsed + Math.max(external, arrayBuffers),
    sessions: sessions.length,
    used: budget.used,
    ended: budget.ended,
    buffered: sessions.reduce((sum, session) => sum + session.buffered, 0),
  };
}

process.on("message", (what) => process.send?.(what === "cpu" ? cpu() : usage()));
process.on("disconnect", () => process.exit());
process.send?.(gateway.port("test/proxy"));
