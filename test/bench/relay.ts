import { parseArgs } from "node:util";
import { EchoBackend } from "../fakes/echo-backend.ts";
import { Driver, type Load } from "./load.ts";
import { besideSlowConsumers } from "./slow-consumers.ts";
import { haproxy, nginx, wsproxy, type Target } from "./targets.ts";

/**
 * Measures the cost of one message: CPU per round trip in µs, for both ways of reading, for nginx and HAProxy if they are
 * installed, and for the Node that `--beside` names, alternating in one run. Then it measures how much sessions slow down
 * beside others that read nothing. Compare the ratios: the absolute figures depend on the machine.
 */
const LOADS: readonly Load[] = [
  { sessions: 100, size: 125, inFlight: 1 },
  { sessions: 20, size: 64, inFlight: 64 },
  { sessions: 20, size: 16_384, inFlight: 1 },
];

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    ms: { type: "string", default: "1200" },
    beside: { type: "string" },
  },
});

async function measure(target: Target, load: Load, ms: number): Promise<number> {
  const driver = await Driver.open(target.port, load);
  try {
    await driver.run(ms / 4); // warm
    const before = await target.cpu();
    const trips = await driver.run(ms);
    return ((await target.cpu()) - before) / trips;
  } finally {
    driver.close();
  }
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

const backend = await new EchoBackend().open();
const made = [
  wsproxy("data", backend.port),
  wsproxy("shared", backend.port),
  ...(flags.beside === undefined ? [] : [wsproxy("shared", backend.port, flags.beside)]),
  nginx(backend.port),
  haproxy(backend.port),
];
const targets = (await Promise.all(made)).filter((target) => target !== undefined);
try {
  console.log(["load", ...targets.map(({ name }) => name), "shared : data"].join(" | "));
  for (const load of LOADS) {
    backend.size = load.size;
    const figures = targets.map((): number[] => []);
    for (let round = 0; round < Number(flags.rounds); round += 1) {
      for (const [at, target] of targets.entries()) figures[at]?.push(await measure(target, load, Number(flags.ms)));
    }
    const [data = Number.NaN, shared = Number.NaN, ...others] = figures.map(median);
    const cells = [data, shared, ...others].map((figure) => figure.toFixed(2));
    const what = `${load.sessions} sessions, ${load.size} B, ${load.inFlight} in flight`;
    console.log([what, ...cells, (shared / data).toFixed(2)].join(" | "));
  }
} finally {
  for (const target of targets) await target.close();
  backend.close();
}

const { before, during } = await besideSlowConsumers({ healthy: 1000, slow: 100, ms: 4 * Number(flags.ms) });
const inMs = (figure: number): string => `${figure.toFixed(2)} ms`;
console.log(`1,000 healthy sessions alone: median ${inMs(before.median)}, p99 ${inMs(before.p99)}`);
console.log(`beside 100 that read nothing: median ${inMs(during.median)}, p99 ${inMs(during.p99)}`);
