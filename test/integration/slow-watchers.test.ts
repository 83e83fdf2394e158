import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { adminEndpoints } from "../../dataplane/admin/admin.ts";
import { closedEndpoint, type AdminSink, type AdminStream } from "../../runtime/admin-port/admin-endpoint.ts";
import { AdminGate } from "../../runtime/admin-port/admin-gate.ts";
import { adminServer } from "../../runtime/admin-port/admin-server.ts";
import { systemClock } from "../../runtime/clock.ts";
import { RawBackend } from "../fakes/backends.ts";
import { text } from "../fakes/frames.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { Live } from "../fakes/live.ts";
import { tooMuchInEachRound } from "../fakes/rounds.ts";

/** Clients of a stream that read nothing, beside sessions. */

const TOKEN = "a-token-of-enough-characters";
const WATCHERS = 20;
const UNREAD = 1_048_576;

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

test("P6 watchers that read nothing are cut, the memory stays flat, and sessions carry their messages meanwhile", async () => {
  const backend = await new RawBackend().open();
  const gateway = await new TestGateway().serve({}, [backend.port]);
  const sinks = new Set<AdminSink>();
  const stream: AdminStream = {
    contentType: "text/event-stream",
    unread: UNREAD,
    open: (sink) => {
      sinks.add(sink);
      return () => sinks.delete(sink);
    },
  };
  const gate = new AdminGate();
  gate.use(TOKEN);
  const endpoints = {
    ...adminEndpoints(gateway.gateway, gateway.metrics, systemClock),
    "/stream": closedEndpoint(() => stream),
  };
  const admin = await adminServer(endpoints, "127.0.0.1", 0, { gate });
  open.push(
    () => backend.close(),
    () => gateway.close(),
    () => admin.close(),
  );
  const watch = async (): Promise<Socket> => {
    const socket = connect(admin.port, "127.0.0.1").on("error", () => {});
    open.push(() => socket.destroy());
    socket.write(`GET /stream HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`);
    await once(socket, "readable"); // and read nothing
    return socket;
  };
  const lives = [await Live.open(gateway, backend), await Live.open(gateway, backend)];
  const event = `event: handshake\ndata: ${"x".repeat(1000)}\n\n`;
  let sent = 0;

  const round = async (): Promise<{ written: number; grown: number }> => {
    for (let watchers = 0; watchers < WATCHERS; watchers += 1) await watch();
    expect(sinks.size).toBe(WATCHERS);
    const before = process.memoryUsage.rss();
    let [written, most] = [0, 0];
    while (sinks.size > 0 && written < 40_000_000) {
      for (let events = 0; events < 200; events += 1) for (const sink of [...sinks]) sink.write(event);
      written += 200 * event.length;
      sent += 1;
      for (const live of lives) {
        live.client.send(text(`message ${sent}`, true));
        await live.arrived("fromClient", sent);
      }
      most = Math.max(most, process.memoryUsage.rss());
    }
    for (const live of lives) expect(live.texts("fromClient").at(-1)).toBe(`message ${sent}`);
    return { written, grown: most - before };
  };
  // Of each watcher the kernel takes some megabytes; the process keeps `UNREAD` bytes, and what its allocator adds.
  expect(await tooMuchInEachRound({ written: 20_000_000, grown: 3 * WATCHERS * UNREAD }, round)).toEqual({});
  for (const live of lives) await live.lives();
});
