import { readdirSync } from "node:fs";
import { createServer as createHttpServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { keyOf, withKeys } from "../fakes/api-keys.ts";
import { RawBackend, type BackendConnection } from "../fakes/backends.ts";
import { Chance } from "../fakes/chance.ts";
import { RawClient, request } from "../fakes/clients.ts";
import { CountingClock } from "../fakes/counting-clock.ts";
import { close, frame, parse, text } from "../fakes/frames.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { REFUSING_PORTS } from "../fakes/ports.ts";
import { until } from "../fakes/sockets.ts";

/** Of a run that failed: the seed in its title, in the environment, makes the same choices again. */
const SEED = Number(process.env["CHAOS_SEED"] ?? Date.now() % 1_000_000_007);
const SESSIONS = 10_000;
/** About half of the connections get as far as a session. */
const CONNECTIONS = 20_600;
const AT_ONCE = 80;

const open: { close(): Promise<void> | void }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

const descriptors = (): number => readdirSync("/proc/self/fd").length;
const mask = true;

/** How a connection is left. */
function vanish(socket: Socket, chance: Chance): void {
  const how = chance.below(3);
  if (how === 0) socket.end();
  else if (how === 1) socket.resetAndDestroy();
  else socket.destroy();
}

/** When a client or a backend vanishes. */
const CLIENT_STAGES = [
  "before the head",
  "in the head",
  "behind the head",
  "at once",
  "after the 101",
  "in a frame",
  "after a message",
  "in the closing",
  "never",
] as const;
const BACKEND_STAGES = [
  "before its 101",
  "in its 101",
  "with its 101",
  "in a frame",
  "after a message",
  "in the closing",
  "refuses",
  "is silent",
  "never",
] as const;

type ClientStage = (typeof CLIENT_STAGES)[number];
type BackendStage = (typeof BACKEND_STAGES)[number];

/** A backend that vanishes where the target of the request says, and else echoes and closes as it should. */
async function fickleBackend(chance: Chance): Promise<RawBackend> {
  const backend = await new RawBackend((connection) => {
    const stage = decodeURIComponent(/^GET \/[^/]*\/([^ ]*)/.exec(connection.head)?.[1] ?? "never") as BackendStage;
    connection.socket.on("end", () => connection.socket.end());
    if (stage === "refuses") return void connection.socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    if (stage === "is silent") return;
    if (stage === "before its 101") return vanish(connection.socket, chance);
    if (stage === "in its 101") {
      connection.socket.write("HTTP/1.1 101 Switching Pro");
      return vanish(connection.socket, chance);
    }
    connection.accept();
    if (stage === "with its 101") return vanish(connection.socket, chance);
    converse(connection, stage, chance);
  }).open();
  open.push(backend);
  return backend;
}

function converse(connection: BackendConnection, stage: BackendStage, chance: Chance): void {
  let seen = 0;
  connection.socket.on("data", () => {
    const { frames } = parse(connection.payload);
    for (const { opcode, payload } of frames.slice(seen)) {
      seen += 1;
      if (opcode === 8) {
        if (stage === "in the closing") return vanish(connection.socket, chance);
        connection.send(frame({ opcode: 8, payload }));
        connection.socket.end();
        return;
      }
      if (stage === "in a frame") {
        connection.send(frame({ payload, length: payload.length + 10 }));
        return vanish(connection.socket, chance);
      }
      connection.send(frame({ opcode, payload }));
      if (stage === "after a message") return vanish(connection.socket, chance);
    }
  });
}

/** An authentication policy whose issuer answers after a moment: there is a time while a client is being authenticated. */
async function hesitant(delay: () => number): Promise<object> {
  const server: Server = createHttpServer((question, response) => {
    question.resume();
    const answer = JSON.stringify({ active: true, sub: "alice" });
    setTimeout(() => response.setHeader("content-type", "application/json").end(answer), delay());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  open.push({ close: () => void server.close() });
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/introspect`;
  const credentials = { username: "gateway", password: "issuer-secret" };
  return { require: "All", introspection: { endpoint, credentials, allowHttp: true, clientClaim: "sub", cache: "0s" } };
}

/** One client's life; resolves when its socket is closed. */
async function live(port: number, target: string, stage: ClientStage, n: number, chance: Chance): Promise<void> {
  const client = await RawClient.open(port);
  const { socket } = client;
  const done = (): Promise<void> => until("the client's socket is closed", () => client.closed, 15_000);
  socket.on("end", () => socket.end());
  const leave = (): Promise<void> => {
    vanish(socket, chance);
    return done();
  };
  if (stage === "before the head") return leave();
  const credential = target.startsWith("/token")
    ? { Authorization: `Bearer opaque-token-${n}` }
    : { "X-Api-Key": keyOf("alice") };
  const head = request({ target, headers: credential });
  if (stage === "in the head") {
    socket.write(head.slice(0, 1 + chance.below(head.length - 1)));
    return leave();
  }
  socket.write(head);
  if (stage === "at once") return leave();
  if (stage === "behind the head") {
    await new Promise((resolve) => setTimeout(resolve, chance.below(40)));
    return leave();
  }
  await until("an answer", () => client.answered || client.ended || client.closed, 15_000);
  if (!client.received.toString("latin1", 0, 12).startsWith("HTTP/1.1 101")) return done();
  if (stage === "after the 101") return leave();
  const message = text(`message ${n}`, mask);
  if (stage === "in a frame") {
    client.send(message.subarray(0, 1 + chance.below(message.length - 1)));
    return leave();
  }
  client.send(message);
  if (stage === "after a message" && chance.below(2) === 0) return leave();
  await until("the echo, or the end", () => client.payload.length > 2 || client.ended || client.closed, 15_000);
  if (stage === "after a message") return leave();
  if (!client.closed && !client.ended) client.send(close(1000, "done", mask));
  if (stage === "in the closing") return leave();
  return done();
}

/** Never more than so many at once. */
async function inParallel(count: number, width: number, work: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (next < count) await work((next += 1));
    }),
  );
}

/** No session, timer, count or gauge is left; what was opened was closed. */
async function expectNothingLeft(gateway: TestGateway, clock: CountingClock): Promise<void> {
  await gateway.empty();
  for (const gauge of ["connections", "paused_connections", "buffered_bytes"]) {
    expect(await gateway.metric(gauge), gauge).toBe(0);
  }
  const opened = await gateway.metric("connections_opened_total");
  expect(await gateway.metric("connections_closed_total")).toBe(opened);
  expect(await gateway.metric("handshakes_total", { status: "101" })).toBe(opened);
  expect(gateway.gateway.proxies[0]?.occupancy.size).toBe(0);
  await until("no timer is left", () => clock.pending === 0);
  expect(gateway.lines.filter(({ level }) => level === "error")).toEqual([]);
}

test(
  `${SESSIONS} sessions, clients and backends vanishing at every stage, leave nothing behind (seed ${SEED})`,
  { timeout: 120_000 },
  async () => {
    const chance = new Chance(SEED);
    const clock = new CountingClock();
    const twins = [await fickleBackend(chance), await fickleBackend(chance)];
    const timeouts = { handshake: "2s", backendConnect: "300ms", idle: "0s", lifetime: "0s" };
    const token = { authentication: await hesitant(() => chance.below(30)), timeouts };
    const nowhere = [{ endpoints: "nowhere:80", weight: 1 }];
    const gateway = await new TestGateway(clock, () => chance.next()).serve(
      {
        access: "None",
        routes: [
          { path: { type: "Prefix", value: "/token" }, policies: token },
          {
            path: { type: "Prefix", value: "/nowhere" },
            backends: nowhere,
            policies: { ...withKeys(["alice"]), timeouts },
          },
          { policies: { ...withKeys(["alice"]), timeouts } },
        ],
      },
      { "echo:80": twins.map(({ port }) => port), "nowhere:80": [REFUSING_PORTS[0]] },
    );
    open.push(gateway);
    const before = descriptors();

    await inParallel(CONNECTIONS, AT_ONCE, async (n) => {
      const route = chance.of(["/key", "/key", "/key", "/key", "/token", "/nowhere"]);
      // Half of the ends behave, so that the later stages are reached.
      const client = chance.below(2) === 0 ? "never" : chance.of(CLIENT_STAGES);
      const backend = chance.below(2) === 0 ? "never" : chance.of(BACKEND_STAGES);
      await live(gateway.port, `${route}/${encodeURIComponent(backend)}`, client, n, chance);
    });

    await expectNothingLeft(gateway, clock);
    expect(await gateway.metric("connections_opened_total")).toBeGreaterThan(SESSIONS);
    for (const { connections } of twins) for (const { socket } of connections) socket.destroy();
    await until("no descriptor is left", () => descriptors() <= before);

    // The endpoints' counts are even: new sessions are dealt out in turn.
    const clients = [];
    const had = twins.map(({ connections }) => connections.length);
    for (let n = 0; n < 20; n += 1) {
      const headers = { "X-Api-Key": keyOf("alice") };
      const client = await RawClient.send(gateway.port, request({ target: "/key/never", headers }));
      expect((await client.answer()).status).toBe(101);
      clients.push(client);
    }
    expect(twins.map(({ connections }, at) => connections.length - (had[at] ?? 0))).toEqual([10, 10]);
    for (const { socket } of clients) socket.end();
    await expectNothingLeft(gateway, clock);
  },
);

test("A19 a flood of 1,000 clients that reset while their credential is verified leaves nothing behind", async () => {
  const clock = new CountingClock();
  const backend = await new RawBackend().open();
  open.push(backend);
  const policies = { authentication: await hesitant(() => 300) };
  const gateway = await new TestGateway(clock).serve({ routes: [{ policies }] }, [backend.port]);
  open.push(gateway);
  const before = descriptors();
  await inParallel(1000, 100, async (n) => {
    const headers = { Authorization: `Bearer opaque-token-${n}` };
    const client = await RawClient.send(gateway.port, request({ headers }));
    await new Promise((resolve) => setTimeout(resolve, 50));
    client.socket.resetAndDestroy();
    await until("closed", () => client.closed);
  });
  await expectNothingLeft(gateway, clock);
  expect(backend.connections).toHaveLength(0);
  expect(await gateway.metric("connections_opened_total")).toBe(0);
  await until("no client's descriptor is left", () => descriptors() <= before + 100); // the issuer's kept-alive connections
});
