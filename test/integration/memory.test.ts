import { afterEach, expect, test } from "vitest";
import { Driver, pour } from "../bench/load.ts";
import { EchoBackend } from "../fakes/echo-backend.ts";
import { keyOf, withKeys } from "../fakes/api-keys.ts";
import { RawBackend } from "../fakes/backends.ts";
import { RawClient, request } from "../fakes/clients.ts";
import type { RouteParts } from "../fakes/config.ts";
import { binary, closeOf, parse, text } from "../fakes/frames.ts";
import { GatewayProcess, type ProcessOptions } from "../fakes/gateway-process.ts";
import { IMAGE_FLAGS } from "../fakes/image-flags.ts";
import { SlowIssuer } from "../fakes/slow-issuer.ts";
import { until } from "../fakes/sockets.ts";

// What the gateway's process keeps in memory, measured from outside it. By the image's flags young objects have a small,
// fixed room, so that its growth is not taken for theirs.
const KB = 1000;
const MB = 1000 * KB;

const open: { close(): Promise<void> | void }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function gateway(
  port: number,
  route: RouteParts = {},
  parts: Pick<ProcessOptions, "path" | "clock"> = {},
): Promise<GatewayProcess> {
  const config = { access: "None" as const, routes: [route] };
  const process = await GatewayProcess.start({ ...parts, ports: [port], config, flags: IMAGE_FLAGS });
  open.push(process);
  return process;
}

async function rawBackend(): Promise<RawBackend> {
  const backend = await new RawBackend().open();
  open.push(backend);
  return backend;
}

test.each([
  ["an authenticated idle session", ""],
  ["F9 an authenticated idle session whose two ends agreed on compression", "permessage-deflate"],
])("%s costs at most 12 kB", async (_what, extensions) => {
  const backend = await new EchoBackend(extensions).open();
  backend.size = 64;
  open.push(backend);
  const { port, ...it } = await started(backend.port);
  const headers = {
    "X-Api-Key": keyOf("alice"),
    ...(extensions === "" ? {} : { "Sec-WebSocket-Extensions": extensions }),
  };
  const load = { size: 64, inFlight: 1, headers };
  // From 1,000 to 5,000 sessions tables that double their size do so as often as they do on the average.
  const first = await Driver.open(port, { ...load, sessions: 1000 });
  open.push(first);
  await first.run(500);
  const before = await it.usage();
  const second = await Driver.open(port, { ...load, sessions: 4000 });
  open.push(second);
  await second.run(500);
  const after = await it.usage();
  expect(after.sessions).toBe(5000);
  expect((after.kept - before.kept) / 4000).toBeLessThan(12 * KB);
});

async function started(backend: number): Promise<{ port: number; usage: GatewayProcess["usage"] }> {
  // The clients of `Driver` answer no ping; a session has its timer all the same.
  const policies = { ...withKeys(["alice"]), keepalive: { interval: "1h" } };
  const process = await gateway(backend, { policies });
  return { port: process.port, usage: () => process.usage() };
}

/** How many slow clients at once. The process's own memory comes and goes by some 10 MB meanwhile: that is divided among them. */
const SLOW = 24;

test.each<["large" | "small", "shared" | "data"]>([
  ["large", "shared"],
  ["large", "data"],
  ["small", "shared"],
])(
  "F11 a client that reads nothing of %s messages, read through %s, costs at most 2 MB, and is told 1008",
  async (what, path) => {
    const backend = await rawBackend();
    const slowConsumer = { maxBuffered: "1Mi", timeout: "2s" };
    // No session ends before all of them hold what a slow client makes the gateway hold, however slow this machine is.
    const process = await gateway(backend.port, { policies: { slowConsumer } }, { path, clock: "by hand" });
    const chunk =
      what === "large"
        ? Buffer.concat(Array.from({ length: 10 }, () => binary(Buffer.alloc(65_536))))
        : Buffer.concat(Array.from({ length: 100_000 }, () => text("tiny")));
    const clients: RawClient[] = [];
    for (let n = 0; n < SLOW; n += 1) {
      const client = await RawClient.send(process.port, request());
      await client.answer();
      clients.push(client);
    }
    // Memory for messages sent before, and for code compiled for them, is no cost of a slow client.
    for (const connection of backend.connections) await pour(connection, chunk, 4 * chunk.length);
    await until("it arrived", () => clients.every(({ payload }) => payload.length === 4 * chunk.length));
    const before = await process.usage();
    for (const { socket } of clients) socket.pause();
    const poured = backend.connections.map((connection) => pour(connection, chunk, 256 * 1024 * 1024));
    await until("the gateway has enough", async () => (await process.buffered()) > SLOW * 1_000_000, 30_000);
    const after = await process.usage();
    expect((after.heap - before.heap) / SLOW).toBeLessThan(2 * MB);
    // Over data events Node takes a slab for each read, and its allocator gives them back when it pleases.
    if (path === "shared") expect((after.rss - before.rss) / SLOW).toBeLessThan(2 * MB);
    await until("every backend is told", async () => {
      await process.advance(100);
      return backend.connections.every(({ told }) => told);
    });
    for (const { payload } of backend.connections) {
      const last = parse(payload).frames.at(-1);
      expect(last === undefined ? undefined : closeOf(last)).toEqual({ code: 1008, reason: "SlowConsumer" });
    }
    await until("the sessions are gone", async () => {
      await process.advance(100);
      return (await process.usage()).sessions === 0;
    });
    for (const { socket } of [...clients, ...backend.connections]) socket.destroy();
    await Promise.all(poured);
  },
);

test("A18 10 MiB that come before a credential is verified cost at most 256 kB", async () => {
  const issuer = await new SlowIssuer().open();
  open.push(issuer);
  const backend = await rawBackend();
  const process = await gateway(backend.port, { policies: { authentication: issuer.policy } });
  const handshake = (token: string): string => request({ headers: { Authorization: `Bearer opaque-token-${token}` } });
  const quiet = await RawClient.send(process.port, handshake("1"));
  await until("the issuer was asked", () => issuer.asked === 1);
  const before = await process.usage();
  const client = await RawClient.send(process.port, handshake("2"));
  await until("the issuer was asked again", () => issuer.asked === 2);
  for (let n = 0; n < 160; n += 1) client.socket.write(Buffer.alloc(65_536));
  let left = Number.POSITIVE_INFINITY;
  await until("the kernel takes no more", async () => {
    const earlier = left;
    left = client.socket.writableLength;
    await new Promise((resolve) => setTimeout(resolve, 100));
    return left > 0 && left === earlier;
  });
  const after = await process.usage();
  expect(after.heap - before.heap).toBeLessThan(256 * KB);
  for (const { socket } of [quiet, client]) socket.destroy();
  issuer.release();
});
