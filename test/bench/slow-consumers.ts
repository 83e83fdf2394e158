import { RawBackend } from "../fakes/backends.ts";
import { RawClient, request } from "../fakes/clients.ts";
import { EchoBackend } from "../fakes/echo-backend.ts";
import { binary } from "../fakes/frames.ts";
import { GatewayProcess } from "../fakes/gateway-process.ts";
import { until } from "../fakes/sockets.ts";
import { Driver, pour } from "./load.ts";

export interface Latencies {
  /** In ms. */
  readonly median: number;
  readonly p99: number;
}

/**
 * Latencies of `healthy` sessions (2,000 round trips a second in all), before and while `slow` other clients read
 * nothing of what their backend sends.
 */
export async function besideSlowConsumers({
  healthy,
  slow,
  ms,
}: {
  healthy: number;
  slow: number;
  ms: number;
}): Promise<{ before: Latencies; during: Latencies }> {
  const echo = await new EchoBackend().open();
  echo.size = 125;
  const source = await new RawBackend().open();
  const process = await GatewayProcess.start({
    config: {
      routes: [{ path: { type: "Exact", value: "/slow" }, backends: [{ endpoints: "source:80", weight: 1 }] }, {}],
    },
    ports: { "echo:80": [echo.port], "source:80": [source.port] },
  });
  const driver = await Driver.open(process.port, { sessions: healthy, size: 125, inFlight: 1, pace: healthy / 2 });
  const clients: RawClient[] = [];
  try {
    await driver.run(ms / 2); // warm
    const before = await quietest(driver, ms);
    for (let n = 0; n < slow; n += 1) {
      const client = await RawClient.send(process.port, request({ target: "/slow" }));
      await client.answer();
      client.socket.pause();
      clients.push(client);
    }
    const chunk = binary(Buffer.alloc(65_536));
    for (const connection of source.connections) void pour(connection, chunk, 256 * 1024 * 1024);
    // The gateway has buffered as much for each slow client as it may.
    await until("all are stuck", async () => (await process.buffered()) > slow * 1_000_000, 15_000);
    const during = await quietest(driver, ms);
    if ((await process.usage()).sessions !== healthy + slow) throw new Error("a session has ended meanwhile");
    return { before, during };
  } finally {
    driver.close();
    for (const { socket } of clients) socket.destroy();
    await process.close();
    echo.close();
    await source.close();
  }
}

/** The run with the smallest p99 of four: other work of the machine disturbs it least. */
async function quietest(driver: Driver, ms: number): Promise<Latencies> {
  const runs: Latencies[] = [];
  for (let run = 0; run < 4; run += 1) {
    await driver.run(ms / 4);
    const sorted = driver.latencies.toSorted((a, b) => a - b);
    const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
    runs.push({ median: at(0.5), p99: at(0.99) });
  }
  return runs.toSorted((a, b) => a.p99 - b.p99)[0] ?? { median: Number.NaN, p99: Number.NaN };
}
