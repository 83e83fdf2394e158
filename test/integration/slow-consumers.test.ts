import { expect, test } from "vitest";
import { Driver, EchoBackend, pour } from "../bench/load.ts";
import { RawBackend } from "../fakes/backends.ts";
import { RawClient, request } from "../fakes/clients.ts";
import { binary } from "../fakes/frames.ts";
import { GatewayProcess } from "../fakes/gateway-process.ts";
import { until } from "../fakes/sockets.ts";

const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN;

test("a hundred clients that read nothing do not slow down those that do", async () => {
  const echo = await new EchoBackend().open();
  echo.size = 125;
  const source = await new RawBackend().open();
  const slow = [{ endpoints: "source:80", weight: 1 }];
  const process = await GatewayProcess.start({
    config: { routes: [{ path: { type: "Exact", value: "/slow" }, backends: slow }, {}] },
    ports: { "echo:80": [echo.port], "source:80": [source.port] },
  });
  const healthy = await Driver.open(process.port, { sessions: 100, size: 125, inFlight: 1 });
  try {
    await healthy.run(300);
    await healthy.run(1000);
    const [median, tail] = [percentile(healthy.latencies, 0.5), percentile(healthy.latencies, 0.99)];
    const clients = await Promise.all(
      Array.from({ length: 100 }, () => RawClient.send(process.port, request({ target: "/slow" }))),
    );
    for (const client of clients) {
      await client.answer();
      client.socket.pause();
    }
    const chunk = binary(Buffer.alloc(65_536));
    for (const connection of source.connections) void pour(connection, chunk, 256 * 1024 * 1024);
    // Each is behind by all that the gateway keeps for it.
    await until("all are stuck", async () => (await process.usage()).buffered > 100 * 1_000_000, 15_000);
    await healthy.run(1000);
    expect((await process.usage()).sessions).toBe(200);
    // The machine's own noise is in it: the bench has the figures.
    expect(percentile(healthy.latencies, 0.5)).toBeLessThan(3 * median + 5);
    expect(percentile(healthy.latencies, 0.99)).toBeLessThan(5 * tail + 50);
    for (const { socket } of clients) socket.destroy();
  } finally {
    healthy.close();
    await process.close();
    echo.close();
    await source.close();
  }
});
