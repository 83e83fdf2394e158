import { expect, onTestFinished, test } from "vitest";
import { WsBackend } from "../../test/fakes/backends.ts";
import { WsClient } from "../../test/fakes/clients.ts";
import { configOf, endpointsOf, type RouteParts } from "../../test/fakes/config.ts";
import { ipv6 } from "../../test/fakes/ipv6.ts";
import { Mount } from "../../test/fakes/mount.ts";
import { freePort, Program } from "../../test/fakes/program.ts";
import { until } from "../../test/fakes/sockets.ts";

// The end of a pod that has a data plane beside its own process: preStop hooks and signals, in every order.

const TOKEN = "a-token-of-enough-characters";

interface Pod {
  readonly program: Program;
  readonly backend: WsBackend;
  readonly url: string;
  /** The preStop hook of the data plane's container. */
  hook(): Program;
  /** The preStop hook of another container: what it was answered, and after how many ms. */
  drained(): Promise<{ status: number; body: string; after: number }>;
  status(path: string): Promise<number>;
  publish(token: string | undefined, policies?: RouteParts["policies"]): Promise<void>;
  /** The files of the folder from now on. */
  mounts(files: Readonly<Record<string, string>>): Promise<void>;
}

interface PodOptions {
  readonly period?: string;
  /** Default: there is a token. */
  readonly token?: false;
  /** Default: there is a config. */
  readonly config?: false;
  readonly address?: string;
  readonly flags?: readonly string[];
}

/** A data plane that is ready, as in a pod. */
async function pod({
  period = "100ms",
  token,
  config,
  address = "127.0.0.1",
  flags = [],
}: PodOptions = {}): Promise<Pod> {
  const [mount, backend, port, adminPort] = await Promise.all([
    Mount.create(),
    new WsBackend().open(),
    freePort(),
    freePort(),
  ]);
  onTestFinished(() => backend.close());
  const publish: Pod["publish"] = (now, policies = {}) =>
    mount.publish({
      "config.json": JSON.stringify(configOf({ port, drainPeriod: period, routes: [{ policies }] })),
      "endpoints.json": JSON.stringify(endpointsOf([backend.port])),
      ...(now === undefined ? {} : { "admin-token": now }),
    });
  if (config === false) await mount.publish({ "admin-token": TOKEN });
  else await publish(token === false ? undefined : TOKEN);
  const where = ["--address", "127.0.0.1", "--admin-address", address, "--admin-port", String(adminPort)];
  const delay = flags.includes("--shutdown-delay") ? [] : ["--shutdown-delay", "0s"];
  const program = new Program(["dataplane", "--config", mount.folder, ...where, ...delay, ...flags]);
  await program.logs(config === false ? "admin token in force" : "config applied");
  const host = address.includes(":") ? "[::1]" : "127.0.0.1";
  const ask = (path: string): Promise<Response> => fetch(`http://${host}:${adminPort}${path}`);
  return {
    program,
    backend,
    url: `ws://127.0.0.1:${port}/`,
    hook: () => new Program(["drain", "--config", mount.folder, "--admin-port", String(adminPort)]),
    async drained() {
      const start = performance.now();
      const response = await ask("/drained");
      return { status: response.status, body: await response.text(), after: performance.now() - start };
    },
    status: async (path) => (await ask(path)).status,
    publish,
    mounts: (files) => mount.publish(files),
  };
}

/** In ms: below the five seconds for which a process waits where it does not end at once. */
const AT_ONCE = 4000;
const DRAINING = { code: 1012, reason: "Draining" };
const DRAINED = { status: 200, body: '{"status":"drained"}\n' };

/** Has the process no session any more, and is it still there? */
async function stays({ program, status }: Pod): Promise<void> {
  await program.logs("drained: the process takes no more clients, and ends at SIGTERM");
  expect([await status("/healthz"), await status("/readyz"), program.ended]).toEqual([200, 503, undefined]);
}

/** Milliseconds from a signal to the end of the process. */
async function endsAt(program: Program, signal: NodeJS.Signals): Promise<number> {
  const start = performance.now();
  program.signal(signal);
  expect(await program.exit()).toBe(0);
  return performance.now() - start;
}

test("the hook drains, and waits until it is over; the process stays until SIGTERM, and then ends at once", async () => {
  const it = await pod({ period: "1s" });
  const clients = await Promise.all([WsClient.open(it.url), WsClient.open(it.url)]);
  const hook = it.hook();
  await it.program.logs("draining");
  expect(await it.status("/healthz")).toBe(200);
  expect(await it.status("/readyz")).toBe(503);
  for (const client of clients) expect(await client.close()).toEqual(DRAINING);
  expect([await hook.exit(), hook.stdout, hook.stderr]).toEqual([0, "", "drained\n"]);
  await stays(it);
  expect(await it.drained()).toMatchObject(DRAINED);
  expect(it.program.lines("draining")).toMatchObject([{ by: "admin port" }]);
  expect(await endsAt(it.program, "SIGTERM")).toBeLessThan(AT_ONCE);
  expect(it.program.lines("session closed")).toMatchObject([
    { code: 1012, by: "gateway" },
    { code: 1012, by: "gateway" },
  ]);
});

test("a SIGTERM while the hook's drain runs is not the second signal: the drain goes on, and its end ends the process", async () => {
  const it = await pod({ period: "1500ms" });
  const clients = await Promise.all(Array.from({ length: 4 }, () => WsClient.open(it.url)));
  const hook = it.hook();
  await it.program.logs("draining");
  it.program.signal("SIGTERM");
  for (const client of clients) expect(await client.close()).toEqual(DRAINING);
  expect(await hook.exit()).toBe(0);
  expect(await it.program.exit()).toBe(0);
  expect(it.program.lines("draining")).toHaveLength(1);
});

test("behind the hook a first signal still waits, and a second one ends everything at once", async () => {
  const it = await pod({ period: "1h" });
  const client = await WsClient.open(it.url);
  const hook = it.hook();
  await it.program.logs("draining");
  it.program.signal("SIGTERM");
  client.socket.send("still here");
  expect(await client.message()).toBe("still here");
  expect(await endsAt(it.program, "SIGTERM")).toBeLessThan(AT_ONCE);
  expect((await client.close()).code).toBe(1006);
  expect([await hook.exit(), hook.stderr]).toEqual([0, "drained\n"]);
});

test("a hook after a SIGTERM begins nothing and is no second signal: it waits for the drain that runs", async () => {
  const it = await pod({ period: "1500ms" });
  const clients = await Promise.all(Array.from({ length: 4 }, () => WsClient.open(it.url)));
  it.program.signal("SIGTERM");
  await it.program.logs("draining");
  const hook = it.hook();
  for (const client of clients) expect(await client.close()).toEqual(DRAINING);
  expect([await hook.exit(), hook.stderr]).toEqual([0, "drained\n"]);
  expect(await it.program.exit()).toBe(0);
  expect(it.program.lines("draining")).toMatchObject([{ by: "signal" }]);
});

test("a second hook waits as the first, and a hook after the drain ends at once", async () => {
  const it = await pod({ period: "1s" });
  const client = await WsClient.open(it.url);
  const hooks = [it.hook(), it.hook()];
  expect(await client.close()).toEqual(DRAINING);
  for (const hook of hooks) expect(await hook.exit()).toBe(0);
  expect(await it.hook().exit()).toBe(0);
  expect(it.program.lines("draining")).toHaveLength(1);
  await stays(it);
});

test("hooks of other containers that ask first are answered when the drain is over, and begin none", async () => {
  const it = await pod({ period: "1s" });
  const client = await WsClient.open(it.url);
  const waiting = [it.drained(), it.drained()];
  expect(await it.status("/readyz")).toBe(200);
  it.hook();
  expect(await client.close()).toEqual(DRAINING);
  for (const answer of waiting) expect(await answer).toMatchObject(DRAINED);
});

test("a process that ends answers the hooks that wait before it closes its admin port", async () => {
  const it = await pod({ period: "500ms" });
  const client = await WsClient.open(it.url);
  const waiting = [it.drained(), it.drained(), it.drained()];
  expect(await it.status("/readyz")).toBe(200);
  it.program.signal("SIGTERM");
  expect(await client.close()).toEqual(DRAINING);
  for (const answer of waiting) expect(await answer).toMatchObject(DRAINED);
  expect(await it.program.exit()).toBe(0);
});

test("without a drain /drained says so after ten seconds, and the pod serves on", async () => {
  const it = await pod();
  const client = await WsClient.open(it.url);
  const { after, ...answer } = await it.drained();
  expect(answer).toEqual({ status: 200, body: '{"status":"no drain"}\n' });
  expect(after).toBeGreaterThan(9900);
  expect(await it.status("/readyz")).toBe(200);
  client.socket.send("still here");
  expect(await client.message()).toBe("still here");
});

test.skipIf(!ipv6)("an admin port on ::1 alone is found", async () => {
  const it = await pod({ address: "::1" });
  expect(await it.hook().exit()).toBe(0);
  await stays(it);
});

test("a token that has just been replaced is the one that counts", async () => {
  const it = await pod();
  await it.publish("another-token-of-enough-characters");
  expect(await it.hook().exit()).toBe(0);
  await stays(it);
});

test("without a token the hook says so and ends, and nothing drains", async () => {
  const it = await pod({ token: false });
  const hook = it.hook();
  expect(await hook.exit()).toBe(69);
  expect(hook.stderr).toMatch(/^wsproxy drain: .*admin-token does not exist\n$/);
  expect(await it.status("/readyz")).toBe(200);
  expect(it.program.lines("draining")).toEqual([]);
});

test("the pod of a deleted proxy has no token: the hook ends at once, and other containers are held for five seconds", async () => {
  const it = await pod();
  await it.mounts({});
  await it.program.logs("config removed: no route is served until there is a config again");
  const [hook, start] = [it.hook(), performance.now()];
  const drained = it.drained();
  expect(await hook.exit()).toBe(69);
  expect(hook.stderr).toMatch(/^wsproxy drain: .*admin-token does not exist\n$/);
  expect(performance.now() - start).toBeLessThan(AT_ONCE);
  expect(await drained).toMatchObject({ status: 200, body: '{"status":"no drain"}\n' });
  expect(await endsAt(it.program, "SIGTERM")).toBeLessThan(AT_ONCE);
}, 30_000);

test("a process that never had a config drains at once, and ends at SIGTERM", async () => {
  const it = await pod({ config: false });
  expect([await it.hook().exit(), await it.status("/readyz")]).toEqual([0, 503]);
  expect(await it.drained()).toMatchObject(DRAINED);
  expect(await endsAt(it.program, "SIGTERM")).toBeLessThan(AT_ONCE);
});

test("a permission that is taken away while the hook's drain runs ends its session at once", async () => {
  const it = await pod({ period: "1h" });
  const client = await WsClient.open(it.url);
  it.hook();
  await it.program.logs("draining");
  await it.publish(TOKEN, { deny: { clients: [], tokenIds: [], addresses: ["127.0.0.1"] } });
  expect(await client.close()).toEqual({ code: 3003, reason: "Denied" });
  await stays(it);
});

test("a SIGTERM ends the hook, and the drain goes on", async () => {
  const it = await pod({ period: "1500ms" });
  const clients = await Promise.all(Array.from({ length: 4 }, () => WsClient.open(it.url)));
  const hook = it.hook();
  await it.program.logs("draining");
  hook.signal("SIGTERM");
  expect(await hook.exit()).toBe("SIGTERM");
  for (const client of clients) expect(await client.close()).toEqual(DRAINING);
  await stays(it);
});

test("with --idle-shutdown-delay 0s a process without sessions ends at once; with one it keeps the delay", async () => {
  const flags = (delay: string): string[] => ["--shutdown-delay", delay, "--idle-shutdown-delay", "0s"];
  const idle = await pod({ flags: flags("1h") });
  const job = await WsClient.open(idle.url);
  job.socket.close();
  await idle.program.logs("session closed");
  expect(await endsAt(idle.program, "SIGTERM")).toBeLessThan(AT_ONCE);
  const busy = await pod({ flags: flags("1500ms") });
  const client = await WsClient.open(busy.url);
  const start = performance.now();
  busy.program.signal("SIGTERM");
  expect(await client.close()).toEqual(DRAINING);
  expect(performance.now() - start).toBeGreaterThan(1400);
  expect(await busy.program.exit()).toBe(0);
});

test("the delay of a busy process ends with its last session", async () => {
  const it = await pod({ flags: ["--shutdown-delay", "1h", "--idle-shutdown-delay", "0s"] });
  const client = await WsClient.open(it.url);
  it.program.signal("SIGTERM");
  await it.program.logs("draining");
  client.socket.close();
  expect(await it.program.exit()).toBe(0);
});

test("from the hook on a backend that goes without a Close ends its session with 1012, and its clients' handshakes get 503", async () => {
  const it = await pod({ period: "1h", flags: ["--shutdown-delay", "1h"] });
  const clients = await Promise.all([WsClient.open(it.url), WsClient.open(it.url)]);
  it.hook();
  await it.program.logs("draining");
  for (const socket of it.backend.server.clients) socket.terminate();
  for (const client of clients) expect(await client.close()).toEqual(DRAINING);
  const still = await WsClient.open(it.url);
  for (const socket of it.backend.server.clients) socket.close(4001, "the backend's own");
  expect(await still.close()).toEqual({ code: 4001, reason: "the backend's own" });
  await it.backend.close();
  await expect(WsClient.open(it.url)).rejects.toThrow("503");
  await until("all lines are there", () => it.program.lines("session closed").length === 3);
  expect(it.program.lines("session closed").slice(0, 2)).toMatchObject([
    { code: 1012, reason: "Draining", by: "gateway", cause: "the backend's connection ended without a Close frame" },
    { code: 1012, reason: "Draining", by: "gateway" },
  ]);
  expect(it.program.lines("handshake refused")).toMatchObject([{ status: 503, reason: "Draining" }]);
});
