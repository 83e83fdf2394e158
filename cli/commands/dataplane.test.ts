import { createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import type { Config } from "../../api/config.ts";
import { WsBackend } from "../../test/fakes/backends.ts";
import { WsClient } from "../../test/fakes/clients.ts";
import { configOf, endpointsOf, type ConfigParts } from "../../test/fakes/config.ts";
import { Mount } from "../../test/fakes/mount.ts";
import { freePort, Program, ran } from "../../test/fakes/program.ts";
import { until } from "../../test/fakes/sockets.ts";

async function echoBackend(): Promise<WsBackend> {
  const backend = await new WsBackend().open();
  onTestFinished(() => backend.close());
  return backend;
}

const TOKEN = "a-token-of-enough-characters";

interface Bench {
  readonly program: Program;
  readonly url: string;
  publish(config: Config | string, backendPort?: number): Promise<void>;
  config(parts?: ConfigParts): Config;
  admin(path: string): Promise<{ status: number; body: string }>;
}

async function bench(...more: readonly string[]): Promise<Bench> {
  const [mount, backend, port, adminPort] = await Promise.all([Mount.create(), echoBackend(), freePort(), freePort()]);
  const where = ["--address", "127.0.0.1", "--admin-address", "127.0.0.1", "--admin-port", String(adminPort)];
  const program = new Program(["dataplane", "--config", mount.folder, ...where, ...more]);
  await program.logs("admin port open");
  return {
    program,
    url: `ws://127.0.0.1:${port}/`,
    publish(config, backendPort = backend.port) {
      const text = typeof config === "string" ? config : JSON.stringify(config);
      const files = { "config.json": text, "endpoints.json": JSON.stringify(endpointsOf([backendPort])) };
      return mount.publish({ ...files, "admin-token": TOKEN });
    },
    config: (parts = {}) => configOf({ port, ...parts }),
    admin: async (path) => {
      const headers = { authorization: `Bearer ${TOKEN}` };
      const response = await fetch(`http://127.0.0.1:${adminPort}${path}`, { headers });
      return { status: response.status, body: await response.text() };
    },
  };
}

const ready = async ({ admin }: Bench): Promise<void> =>
  until("the data plane is ready", async () => (await admin("/readyz")).status === 200);

test("waits for its first config, is healthy meanwhile, and ready once it serves", async () => {
  const it = await bench();
  await it.program.logs("waiting for a config");
  expect([(await it.admin("/healthz")).status, (await it.admin("/readyz")).status]).toEqual([200, 503]);
  await it.publish(it.config());
  await ready(it);
  const client = await WsClient.open(it.url);
  client.socket.send("through");
  expect(await client.message()).toBe("through");
  expect(it.program.lines("config rejected")).toEqual([]);
  expect(it.program.stderr).toBe("");
});

test("a config that cannot be read or believed changes nothing, is logged and counted", async () => {
  const it = await bench();
  await it.publish(it.config());
  await ready(it);
  const client = await WsClient.open(it.url);
  const rejected = (count: number): Promise<void> =>
    until(`${count} configs were rejected`, () => it.program.lines("config rejected").length >= count);

  await it.publish('{"secret": "s3cret-in-a-config');
  await rejected(1);
  const unknown = { ...it.config(), policyFromTheFuture: {} };
  await it.publish(JSON.stringify(unknown));
  await rejected(2);
  await it.publish(it.config({ name: "another" }));
  await rejected(3);
  await it.publish(JSON.stringify({ ...it.config(), proxy: null }));
  await rejected(4);

  const problems = it.program.lines("config rejected").map((line) => JSON.stringify(line["problems"]));
  expect(problems[0]).toContain("config.json is not JSON");
  expect(problems[0]).not.toContain("s3cret");
  expect(problems[1]).toContain("policyFromTheFuture");
  expect(problems[2]).toContain("that of test/another");
  expect(problems[3]).toContain("config.proxy: ");
  expect((await it.admin("/metrics")).body).toContain('wsproxy_config_rejected_total{proxy="test/proxy"} 4');
  expect((await it.admin("/readyz")).status).toBe(200);
  client.socket.send("still here");
  expect(await client.message()).toBe("still here");
});

test("a new version takes over without ending a session, endpoints by themselves too", async () => {
  const it = await bench();
  await it.publish(it.config());
  await ready(it);
  const client = await WsClient.open(it.url);
  const second = await echoBackend();
  await it.publish(it.config({ generation: 2 }), second.port);
  await until("generation 2 is in force", async () => (await it.admin("/config")).body.includes('"generation":2'));
  await it.publish(it.config({ generation: 2 }));
  await it.publish(it.config({ generation: 3 }), second.port);
  await until("generation 3 is in force", async () => (await it.admin("/config")).body.includes('"generation":3'));
  await WsClient.open(it.url);
  expect(second.server.clients.size).toBe(1);
  client.socket.send("still here");
  expect(await client.message()).toBe("still here");
});

test("tries a port that another process has again, until it can be had", async () => {
  const it = await bench();
  const squatter = createServer().listen(Number(new URL(it.url).port), "127.0.0.1");
  await it.publish(it.config());
  const { stage, problems } = await it.program.logs("config rejected");
  expect(stage).toBe("listener");
  expect(JSON.stringify(problems)).toContain("in use by another process");
  expect((await it.admin("/readyz")).status).toBe(503);
  squatter.close();
  await ready(it);
});

test("SIGTERM: not ready at once, open for the delay, then 1012 for every session, and exit 0", async () => {
  const it = await bench("--shutdown-delay", "1s");
  await it.publish(it.config());
  await ready(it);
  const client = await WsClient.open(it.url);
  it.program.signal("SIGTERM");
  await until("it is not ready", async () => (await it.admin("/readyz")).status === 503);
  const late = await WsClient.open(it.url);
  expect(await client.close()).toEqual({ code: 1012, reason: "Draining" });
  expect(await late.close()).toEqual({ code: 1012, reason: "Draining" });
  expect(await it.program.exit()).toBe(0);
  expect(it.program.lines("session closed").length).toBe(2);
});

test("ends with 0 where it never had a config", async () => {
  const it = await bench("--shutdown-delay", "0s");
  await it.program.logs("waiting for a config");
  it.program.signal("SIGTERM");
  expect(await it.program.exit()).toBe(0);
});

test("a second signal does not wait for anything", async () => {
  const it = await bench("--shutdown-delay", "1h");
  await it.publish(it.config());
  await ready(it);
  await WsClient.open(it.url);
  it.program.signal("SIGTERM");
  await it.program.logs("draining");
  it.program.signal("SIGINT");
  expect(await it.program.exit()).toBe(0);
});

test("ends with 69 where its folder or its admin port cannot be had", async () => {
  const missing = await ran("dataplane", "--config", "no-such-folder", "--admin-port", "0");
  expect([missing.ended, missing.stderr]).toEqual([
    69,
    "wsproxy dataplane: --config no-such-folder is not a folder that can be read\n",
  ]);
  const it = await bench();
  const taken = String((await it.program.logs("admin port open"))["port"]);
  const second = await ran("dataplane", "--config", ".", "--admin-address", "127.0.0.1", "--admin-port", taken);
  expect(second.ended).toBe(69);
  expect(second.stderr).toContain(`admin port ${taken} on 127.0.0.1 is in use by another process`);
});
