import { spawnSync } from "node:child_process";
import { afterEach, beforeEach, expect, test } from "vitest";
import { keyOf, withKeys } from "../fakes/api-keys.ts";
import { polite, RawBackend, WsBackend } from "../fakes/backends.ts";
import { keyPair } from "../fakes/certificates.ts";
import { RawClient, request, WsClient } from "../fakes/clients.ts";
import { endpointsOf, type ConfigParts } from "../fakes/config.ts";
import { close, text } from "../fakes/frames.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { Live } from "../fakes/live.ts";
import { SlowIssuer } from "../fakes/slow-issuer.ts";
import { until } from "../fakes/sockets.ts";
import { ADD, KEY } from "../fakes/store-link.ts";
import { DEBUG } from "../../api/debug.ts";
import { StoreLink } from "../../dataplane/limits/store/store-link.ts";
import { systemClock } from "../../runtime/clock.ts";
import { STORE_LACKS, StoreServer } from "../store/server.ts";

let backend: RawBackend;
let gateway: TestGateway;

beforeEach(async () => {
  backend = await new RawBackend(polite).open();
  gateway = new TestGateway();
});
afterEach(async () => {
  await gateway.close();
  await backend.close();
});

const policies = {
  ...withKeys(["alice"]),
  messages: { fromClient: [{ per: "Connection", limit: 3, interval: "1h", onExceed: "Delay" }], fromBackend: [] },
  slowConsumer: { maxBuffered: 1024, timeout: "100ms" },
};
const base: ConfigParts = { routes: [{ policies }], drainPeriod: "1m" };
const serve = (parts: ConfigParts = base): Promise<unknown> => gateway.serve(parts, [backend.port]);
const open = (): Promise<Live> => Live.open(gateway, backend, { client: "alice" });

async function closeOne(): Promise<void> {
  const live = await open();
  live.client.send(close(1000, "", true));
  await live.arrived("fromClient", 1);
  live.backend.send(close(1000));
  await live.arrived("fromBackend", 1);
  live.client.socket.end();
  await until("it is counted", () => gateway.sessions === 0);
}

/** A client that connects and sends nothing. */
async function silent(): Promise<void> {
  await RawClient.open(gateway.port);
  await until("it was accepted", async () => (await gateway.metric("waiting_sockets")) > 0);
}

async function talk(): Promise<void> {
  const live = await open();
  live.client.send(text("up", true));
  live.backend.send(text("down"));
  await live.arrived("fromClient", 1);
  await live.arrived("fromBackend", 1);
}

/** A client that reads nothing of 64 MiB, more than any kernel keeps for it. */
async function starve(): Promise<Live> {
  const live = await open();
  live.client.socket.pause();
  const message = Buffer.alloc(65_536 + 10);
  message.set([0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
  for (let n = 0; n < 1024; n += 1) live.backend.socket.write(message);
  return live;
}

const refused = async (): Promise<void> => {
  const client = await RawClient.send(gateway.port, request({ headers: { "X-Api-Key": keyOf("mallory") } }));
  await client.answer();
};

/** A link to a real store, with one question over it. Served proxies will have it by their config. */
const askStore = async (): Promise<void> => {
  const server = await StoreServer.start();
  const link = new StoreLink({
    settings: { address: server.address, resolved: true },
    ...{ clock: systemClock, log: gateway.log, metrics: gateway.metrics.store, proxy: "test/proxy" },
    join: () => Promise.resolve(),
  });
  await until("the store is available", () => link.available);
  await link.call(ADD, [KEY], []);
};

/** What moves the metrics of the store. */
const storeMoves: Readonly<Record<string, () => Promise<unknown>>> = {
  store_available: askStore,
  store_requests_total: askStore,
  store_request_duration_seconds: askStore,
};

/** Every metric of the contract, and what moves it. */
const moves: Readonly<Record<string, () => Promise<unknown>>> = {
  connections: open,
  connections_opened_total: open,
  connections_closed_total: closeOne,
  connection_duration_seconds: closeOne,
  handshakes_total: refused,
  handshake_duration_seconds: refused,
  backend_connect_duration_seconds: open,
  messages_total: talk,
  bytes_total: talk,
  authentications_total: refused,
  credential_terminations_total: async () => {
    const live = await open();
    await serve({ routes: [{ policies: { ...policies, ...withKeys([]) } }] });
    await live.ended();
  },
  introspection_not_asked_total: async () => {
    const issuer = await new SlowIssuer().open();
    await serve({ routes: [{ policies: { authentication: issuer.policy } }] });
    for (let n = 0; n < 128 + 256 + 1; n += 1) {
      await RawClient.send(gateway.port, request({ headers: { Authorization: `Bearer made-up-${n}` } }));
    }
    await until("one was not asked about", async () => (await gateway.metric("introspection_not_asked_total")) > 0);
    await issuer.close();
  },
  limit_hits_total: async () => {
    const live = await open();
    live.client.send(...["a", "b", "c", "d"].map((word) => text(word, true)));
    await live.arrived("fromClient", 3);
  },
  limit_subjects: async () => {
    await serve({ routes: [{ policies: { ...policies, attempts: [{ per: "IP", limit: 9, interval: "1s" }] } }] });
    await refused();
  },
  paused_connections: async () => {
    const live = await open();
    live.client.send(...["a", "b", "c", "d"].map((word) => text(word, true)));
    await until("it waits", async () => (await gateway.metric("paused_connections")) > 0);
  },
  buffered_bytes: async () => {
    await starve();
    await until("it is kept", async () => (await gateway.metric("buffered_bytes")) > 0);
  },
  buffer_budget_used_bytes: async () => {
    await starve();
    await until("it counts", async () => (await gateway.metric("buffer_budget_used_bytes")) > 0);
  },
  slow_consumers_total: async () => {
    await starve();
    await until("it was given up", async () => (await gateway.metric("slow_consumers_total")) > 0);
  },
  draining_connections: async () => {
    await open();
    void gateway.gateway.drain(0, new AbortController().signal);
    await until("it drains", async () => (await gateway.metric("draining_connections")) > 0);
  },
  config_applied_timestamp_seconds: () => serve({ ...base, generation: 2 }),
  config_generation: () => serve({ ...base, generation: 2 }),
  config_hash: () => serve({ ...base, generation: 2 }),
  config_refused: () => gateway.apply({} as never, endpointsOf([])),
  config_removed: () => gateway.gateway.removeConfig("test/proxy"),
  ready: () => gateway.gateway.drain(0, AbortSignal.abort()),
  evicted_sockets_total: async () => {
    await silent();
    await gateway.gateway.drain(0, AbortSignal.abort());
  },
  waiting_sockets: () => silent(),
  descriptors_used: () => silent(),
  // Moved by `cli/serving/serving.ts`, which asks the loop; `event-loop-delay.test.ts` shows that it would be.
  event_loop_delay_seconds: async () => gateway.metrics.process.eventLoopDelay(0.3),
  // Moved by the gate of the admin port; `admin-gate.test.ts` shows that it would be.
  admin_refused_total: async () => gateway.metrics.process.adminRefused("Token"),
  debug_streams: async () => gateway.gateway.watching.place(() => {}),
  // A slow reader moves it too, as `debug-stream.test.ts` shows.
  debug_streams_lost_total: async () => {
    for (let more = 0; more <= DEBUG.watchers; more += 1) gateway.gateway.watching.place(() => {});
  },
  connections_limit: () => serve({ ...base, maxConnections: 7 }),
  config_rejected_total: () => gateway.apply({} as never, endpointsOf([])),
  // Moved by nothing that a config can say; `served-proxy.test.ts` shows that it would be.
  config_dropped_sessions_total: async () => gateway.metrics.configDropped("test/proxy"),
  certificate_start_timestamp_seconds: async () => serve({ ...base, tls: { keyPair: await keyPair() } }),
  certificate_expiry_timestamp_seconds: async () => serve({ ...base, tls: { keyPair: await keyPair() } }),
};

test.each(Object.keys(moves))("wsproxy_%s moves", async (name) => {
  await serve();
  const before = await gateway.metric(name);
  await moves[name]?.();
  expect(await gateway.metric(name)).not.toBe(before);
});

test.skipIf(STORE_LACKS !== undefined).each(Object.keys(storeMoves))(
  "wsproxy_%s moves (skipped where redis-server is missing)",
  async (name) => {
    await serve();
    const before = await gateway.metric(name);
    await storeMoves[name]?.();
    expect(await gateway.metric(name)).not.toBe(before);
  },
);

test("/metrics has only metrics of this list, each with a help text and labels of the closed set", async () => {
  const ours = (await gateway.metrics.registry.getMetricsAsJSON()).filter(({ name }) => name.startsWith("wsproxy_"));
  const fixed = ["wsproxy_read_path", "wsproxy_descriptors_limit", "wsproxy_buffer_budget_bytes"];
  // It takes 100,000 clients, or all of the budget, to move these: `process-metrics.test.ts` and `buffer-budget.test.ts`.
  const rare = ["wsproxy_limit_subjects_forgotten_total", "wsproxy_buffer_budget_ended_sessions_total"];
  const more = [...fixed, ...rare];
  const listed = [...[...Object.keys(moves), ...Object.keys(storeMoves)].map((name) => `wsproxy_${name}`), ...more];
  expect(ours.map(({ name }) => name).sort()).toEqual(listed.sort());
  const allowed = [
    "proxy",
    "route",
    "reason",
    "direction",
    "policy",
    "method",
    "code",
    "status",
    "by",
    "per",
    "action",
    "operation",
    "result",
  ];
  await serve();
  await Promise.all([refused(), talk()]);
  for (const { name, help, values } of await gateway.metrics.registry.getMetricsAsJSON()) {
    expect(help).not.toBe("");
    if (!name.startsWith("wsproxy_") || more.includes(name)) continue;
    for (const { labels } of values) {
      expect([...allowed, "enforcement", "le", "state"]).toEqual(expect.arrayContaining(Object.keys(labels)));
    }
  }
});

test("/metrics has Node's own metrics", async () => {
  const { body } = await gateway.admin("/metrics");
  for (const name of [
    "process_cpu_user_seconds_total",
    "process_resident_memory_bytes",
    "nodejs_eventloop_lag_p99_seconds",
  ])
    expect(body).toContain(`\n${name}`);
});

const promtool = spawnSync("promtool", ["--version"]).status === 0;

test.skipIf(!promtool)("promtool finds no fault in /metrics (skipped where promtool is not installed)", async () => {
  await serve();
  await closeOne();
  await Promise.all([refused(), talk()]);
  await gateway.apply({} as never, endpointsOf([]));
  const { body } = await gateway.admin("/metrics");
  const { stdout, stderr, status } = spawnSync("promtool", ["check", "metrics"], { input: body, encoding: "utf8" });
  expect(`${status} ${stdout}${stderr}`).toBe("0 ");
});

test("sums agree: opened less closed is open, one 101 for each session, and all that was sent is counted", async () => {
  const echo = await new WsBackend().open();
  await gateway.serve({ routes: [{}] }, [echo.port]);
  const clients = await Promise.all(Array.from({ length: 20 }, () => WsClient.open(gateway.url())));
  let [messages, bytes, closed] = [0, 0, 0];
  const agree = async (): Promise<void> => {
    const [opened, ended] = [
      await gateway.metric("connections_opened_total"),
      await gateway.metric("connections_closed_total"),
    ];
    expect([opened, ended]).toEqual([20, closed]);
    expect(await gateway.metric("connections")).toBe(opened - ended);
    expect(await gateway.metric("connection_duration_seconds")).toBe(ended);
    expect(await gateway.metric("handshakes_total", { status: "101", reason: "Accepted" })).toBe(opened);
    for (const direction of ["from_client", "from_backend"]) {
      expect(await gateway.metric("messages_total", { direction })).toBe(messages);
      expect(await gateway.metric("bytes_total", { direction })).toBe(bytes);
    }
  };
  for (const [index, client] of clients.entries()) {
    for (const size of [0, 1, 125, 126, 65_536, index * 1000]) {
      client.socket.send(Buffer.alloc(size));
      [messages, bytes] = [messages + 1, bytes + size];
    }
    client.socket.ping("not counted");
    await client.message(6);
    if (index % 5 === 0) await agree();
    if (index % 3 === 0) client.socket.terminate();
    else if (index % 3 === 1) client.socket.close(4321);
    if (index % 3 === 2) continue;
    closed += 1;
    await until("it is counted", () => gateway.sessions === 20 - closed);
  }
  await agree();
  expect(await gateway.metric("connections_closed_total", { code: "4000-4999", reason: "Closed", by: "client" })).toBe(
    7,
  );
  expect(await gateway.metric("connections_closed_total", { code: "1006", reason: "Vanished", by: "client" })).toBe(7);
  await echo.close();
});

test("what a Drop limit takes out is not counted as sent", async () => {
  const dropping = {
    messages: { fromClient: [{ per: "Connection", limit: 1, interval: "1h", onExceed: "Drop" }], fromBackend: [] },
  };
  await serve({ routes: [{ policies: dropping }] });
  const live = await Live.open(gateway, backend);
  live.client.send(text("one", true), text("two", true), text("three", true));
  await live.lives();
  expect(await gateway.metric("messages_total", { direction: "from_client" })).toBe(1);
  expect(await gateway.metric("bytes_total", { direction: "from_client" })).toBe(3);
  expect(await gateway.metric("limit_hits_total", { policy: "messages", action: "Drop" })).toBe(2);
});
