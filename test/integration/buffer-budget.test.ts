import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { pour } from "../bench/load.ts";
import { RawBackend } from "../fakes/backends.ts";
import { Authority } from "../fakes/certificates.ts";
import { RawClient, reasonOf, request, WsClient, type RawAnswer } from "../fakes/clients.ts";
import { binary, closeOf, parse } from "../fakes/frames.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { GatewayProcess } from "../fakes/gateway-process.ts";
import { IMAGE_FLAGS } from "../fakes/image-flags.ts";
import { until, type Peer } from "../fakes/sockets.ts";

const MiB = 2 ** 20;

const open: { close(): Promise<void> | void }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

let ca: Authority;
beforeAll(async () => {
  ca = await Authority.create();
});

/** In ms. Clients, gateway and backends share this process, and it may have half of a busy core. */
const PATIENCE = 30_000;

const told = (peer: Peer): unknown => {
  const last = parse((peer as { payload?: Buffer }).payload ?? peer.received).frames.at(-1);
  return last === undefined ? undefined : closeOf(last);
};

describe.each([
  ["plain sockets", false],
  ["TLS on both legs", true],
] as const)("with %s", (_what, secure) => {
  const LIMIT = 2 * MiB;
  const SLOW = 24;

  /** A gateway with a small budget, and a route `/slow` beside the one that is used by those that read. */
  async function serve(): Promise<{
    gateway: TestGateway;
    source: RawBackend;
    connect: (target: string) => Promise<RawClient>;
  }> {
    const names = ["a.test"];
    const pair = await ca.issue({ names });
    const tls = secure ? { cert: pair.certificate, key: pair.privateKey } : undefined;
    const source = await new RawBackend((connection) => connection.accept(), tls).open();
    const echo = await new RawBackend((connection) => {
      connection.accept();
      connection.socket.on("end", () => connection.socket.end());
    }, tls).open();
    const gateway = new TestGateway(undefined, undefined, undefined, LIMIT);
    open.push(gateway, source, echo);
    const more = secure ? { tls: { serverName: "a.test", ca: ca.ca } } : {};
    const backends = (endpoints: string): object => ({ backends: [{ endpoints, weight: 1, ...more }] });
    await gateway.serve(
      {
        ...(secure ? { tls: { keyPair: pair } } : {}),
        routes: [
          { path: { type: "Exact", value: "/slow" }, ...backends("source:80") },
          { name: "others", ...backends("echo:80") },
        ],
      },
      { "source:80": [source.port], "echo:80": [echo.port] },
    );
    const connect = async (target: string): Promise<RawClient> => {
      if (!secure) return RawClient.send(gateway.port, request({ target }));
      const client = await RawClient.openTls(gateway.port, { ca: ca.ca, servername: "a.test" });
      client.socket.write(request({ target }));
      return client;
    };
    return { gateway, source, connect };
  }

  test("near the budget a session is refused, and where there is room again one begins", async () => {
    const { gateway, connect } = await serve();
    const attempt = async (): Promise<RawAnswer> => {
      const client = await connect("/");
      const answer = await client.answer();
      client.socket.destroy();
      return answer;
    };
    const hoard = { kept: 0, stalled: 0, look: () => {}, shed: () => 0 };
    gateway.budget.change(hoard, 0.89 * LIMIT);
    expect((await attempt()).status).toBe(101);
    gateway.budget.change(hoard, 0.91 * LIMIT);
    const answer = await attempt();
    expect([answer.status, reasonOf(answer), answer.headers.get("retry-after")]).toEqual([503, "Overloaded", "5"]);
    gateway.budget.change(hoard, 0.79 * LIMIT);
    expect((await attempt()).status).toBe(101);
    expect(await gateway.metric("buffer_budget_bytes")).toBe(LIMIT);
    expect(await gateway.metric("buffer_budget_used_bytes")).toBeGreaterThanOrEqual(0.79 * LIMIT);
    gateway.budget.change(hoard, 0);
    await gateway.empty();
  });

  test.each(["client", "backend"] as const)(
    "%ss that take next to nothing keep the buffers within their budget, and end before those that read are touched",
    async (slow) => {
      const { gateway, source, connect } = await serve();
      const { budget } = gateway;
      const healthy = await Promise.all(
        Array.from({ length: 5 }, async () => {
          const client = await connect("/");
          expect((await client.answer()).status).toBe(101);
          return client;
        }),
      );
      const clients: RawClient[] = [];
      for (let n = 0; n < SLOW; n += 1) {
        const client = await connect("/slow");
        expect((await client.answer()).status).toBe(101);
        clients.push(client);
      }
      await until("all are here", () => source.connections.length === SLOW);
      const [receivers, senders] = slow === "client" ? [clients, source.connections] : [source.connections, clients];
      for (const { socket } of receivers) socket.pause();
      let most = 0;
      const watching = setInterval(() => (most = Math.max(most, budget.used)), 1);
      const nibbling = setInterval(() => {
        for (const { socket } of receivers) if (!socket.destroyed) socket.read(1);
      }, 200);
      const chunk = binary(Buffer.alloc(65_536), slow === "backend");
      const poured = senders.map((sender) => pour(sender, chunk, 64 * MiB));

      await until("some end", () => budget.ended > 0, PATIENCE);
      await until(
        "there is room again, and a session begins",
        async () => {
          const client = await connect("/");
          if ((await client.answer()).status === 101) healthy.push(client);
          return healthy.length === 6;
        },
        PATIENCE,
      );
      expect(most).toBeLessThan(1.25 * LIMIT);

      await until("one is told why", () => senders.some(({ told: knows }) => knows), PATIENCE);
      const ended = senders.filter((sender) => sender.told);
      for (const sender of ended) {
        // In the middle of a message of its own an end cannot be told.
        if (slow === "client") expect(told(sender)).toEqual({ code: 1008, reason: "SlowConsumer" });
      }
      // More may end between two questions.
      for (const name of ["slow_consumers_total", "buffer_budget_ended_sessions_total"])
        await until(`${name} says how many`, async () => (await gateway.metric(name)) === budget.ended);
      expect(healthy.map(({ told: gone }) => gone)).not.toContain(true);

      for (const { socket } of senders.filter((sender) => sender.told)) socket.destroy();
      await until("the log says why", () => gateway.logged.includes('"reason":"SlowConsumer","cause":"buffer budget"'));

      clearInterval(watching);
      clearInterval(nibbling);
      for (const { socket } of [...healthy, ...clients, ...source.connections]) socket.destroy();
      await Promise.all(poured);
      await gateway.empty();
      expect(budget.used).toBe(0);
    },
    3 * PATIENCE,
  );
});

test("the process of a gateway whose clients read nothing grows by its budget, and by little beside", async () => {
  const LIMIT = 16 * MiB;
  const SLOW = 60; // that would keep 66 MiB
  const source = await new RawBackend().open();
  const process = await GatewayProcess.start({
    ports: [source.port],
    bufferBudget: LIMIT,
    config: { access: "None" },
    flags: IMAGE_FLAGS,
  });
  open.push(source, process);
  const clients: RawClient[] = [];
  for (let n = 0; n < SLOW; n += 1) {
    const client = await RawClient.send(process.port, request());
    await client.answer();
    client.socket.pause();
    clients.push(client);
  }
  const before = await process.usage();
  const chunk = binary(Buffer.alloc(65_536));
  const poured = source.connections.map((connection) => pour(connection, chunk, 64 * MiB));
  let most = { used: 0, heap: 0 };
  await until(
    "some end",
    async () => {
      const { used, heap, ended } = await process.usage();
      most = { used: Math.max(most.used, used), heap: Math.max(most.heap, heap) };
      // Each look collects garbage: without a pause the gateway would do little else.
      await new Promise((resolve) => setTimeout(resolve, 20));
      return ended > 0;
    },
    PATIENCE,
  );
  await until("there is room again", async () => (await process.usage()).used < 0.85 * LIMIT);
  expect(most.used).toBeLessThan(1.25 * LIMIT);
  expect(most.heap - before.heap).toBeLessThan(1.5 * LIMIT);
  for (const { socket } of [...clients, ...source.connections]) socket.destroy();
  await Promise.all(poured);
});

test("a message of a healthy session is carried while others are ended for memory", async () => {
  const source = await new RawBackend().open();
  const echo = await new RawBackend((connection) => {
    connection.accept();
    connection.socket.on("data", () => connection.socket.write(binary(Buffer.from("here"))));
  }).open();
  const gateway = new TestGateway(undefined, undefined, undefined, 2 * MiB);
  open.push(gateway, source, echo);
  await gateway.serve(
    {
      routes: [
        { path: { type: "Exact", value: "/slow" }, backends: [{ endpoints: "source:80", weight: 1 }] },
        { name: "others" },
      ],
    },
    { "source:80": [source.port], "echo:80": [echo.port] },
  );
  const healthy = await WsClient.open(gateway.url("/"));
  const poured: Promise<void>[] = [];
  for (let n = 0; n < 10; n += 1) {
    const client = await RawClient.send(gateway.port, request({ target: "/slow" }));
    client.socket.pause();
    await until("it is there, or refused", () => source.connections.length === n + 1 || gateway.budget.near);
    const connection = source.connections[n];
    if (connection === undefined) break;
    await until("it is open", () => connection.head !== "");
    poured.push(pour(connection, binary(Buffer.alloc(65_536)), 32 * MiB));
    healthy.socket.send("there");
    await healthy.message(n + 1);
  }
  await until("some end", () => gateway.budget.ended > 0);
  healthy.socket.send("there");
  await until("it came", () => healthy.messages.length > 10 || healthy.messages.length > poured.length);
  expect(healthy.closed).toBeUndefined();
  healthy.socket.terminate();
  for (const { socket } of source.connections) socket.destroy();
  await Promise.all(poured);
});
