import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { newAdminToken } from "../../cli/serving/admin-token.ts";
import { hashOf } from "../../runtime/packed-text.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import type { Config, Endpoints } from "../../api/config.ts";
import { RawClient, request } from "../fakes/clients.ts";
import { closeOf, parse } from "../fakes/frames.ts";
import { largeConfig, largeKey, LARGEST } from "../fakes/large-config.ts";
import type { Probe } from "../fakes/probe.ts";
import { ProbedProgram } from "../fakes/probed-program.ts";
import { freePort } from "../fakes/program.ts";
import { until } from "../fakes/sockets.ts";
import { EchoBackend } from "../fakes/echo-backend.ts";

// The most that one proxy is held to: 1,000 routes with every policy, 10,000 denied addresses, 10,000 keys.

const MB = 1_000_000;
const SESSIONS = 2000;
/** A first run and a run with a garbage collection take longer: the best of several runs counts. */
const TRIES = 5;

let folder: string;
let backend: EchoBackend;
let program: ProbedProgram;
let port: number;
let admin: number;
const token = newAdminToken();
let config: Config;
let untilReady: Probe;
const clients: RawClient[] = [];

const status = async (path: string): Promise<number> =>
  fetch(`http://127.0.0.1:${admin}${path}`).then(
    async (answer) => {
      await answer.text();
      return answer.status;
    },
    () => 0,
  );

/** The hash of the endpoints that sessions go to. */
async function inForce(): Promise<string | undefined> {
  const answer = await fetch(`http://127.0.0.1:${admin}/config`, { headers: { Authorization: `Bearer ${token}` } });
  return /"endpointsHash":"(\w+)"/.exec(await answer.text())?.[1];
}

async function publish(name: "config" | "endpoints", value: unknown): Promise<void> {
  const file = join(folder, `${name}.json`);
  await writeFile(`${file}.next`, JSON.stringify(value));
  await rename(`${file}.next`, file);
}

function endpoints(others: number): Endpoints {
  const far = Array.from({ length: others }, (_, n) => ({
    address: `192.0.2.${n % 250}`,
    port: 1000 + n,
    state: "Draining" as const,
  }));
  return {
    version: 1,
    backends: { "echo:80": [{ address: "127.0.0.1", port: backend.port, state: "Ready" }, ...far] },
  };
}

/** The longest that the event loop stood still in the best of some such changes, in ms. */
async function stall(change: (turn: number) => void): Promise<number> {
  const found: number[] = [];
  for (let turn = 0; turn < TRIES; turn += 1) {
    change(turn);
    config.proxy.generation += 1;
    await program.probe("reset");
    await program.logs("config applied", () => publish("config", config));
    found.push((await program.probe()).longest);
  }
  return Math.min(...found);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "wsproxy-large-"));
  backend = await new EchoBackend().open();
  [port, admin] = [await freePort(), await freePort()];
  config = largeConfig(LARGEST, { port, access: "None" });
  await publish("config", config);
  await publish("endpoints", endpoints(10));
  await writeFile(join(folder, "admin-token"), token);
  const where = ["--address", "127.0.0.1", "--admin-address", "127.0.0.1", "--admin-port", String(admin)];
  program = new ProbedProgram(["dataplane", "--config", folder, ...where]);
  await until("it is ready", async () => (await status("/readyz")) === 200, 15_000);
  untilReady = await program.probe();
}, 30_000);

afterAll(async () => {
  for (const { socket } of clients) socket.destroy();
  await program.close();
  backend.close();
  await rm(folder, { recursive: true, force: true });
});

/** A client of each of the first so many keys, ten to a route. */
async function open(count: number): Promise<void> {
  for (let at = 0; at < count; at += 50) {
    const some = Array.from({ length: 50 }, async (_, n) => {
      const headers = { Host: `route-${Math.floor((at + n) / 10)}.test`, "X-Api-Key": largeKey(at + n) };
      const client = await RawClient.send(port, request({ headers }));
      expect((await client.answer()).status).toBe(101);
      return client;
    });
    clients.push(...(await Promise.all(some)));
  }
}

const deny = (): string[] => config.policies.deny?.[0]?.addresses ?? [];
const keys = (): { disabled: boolean }[] => config.policies.authentication?.[0]?.apiKey?.keys ?? [];

/** Code and reason of a client's Close, once its session has ended. */
async function toldTo(client: RawClient | undefined): Promise<string> {
  await until("the client is told", () => client?.told ?? false);
  const last = client === undefined ? undefined : parse(client.payload).frames.at(-1);
  return last === undefined ? "nothing" : `${closeOf(last).code} ${closeOf(last).reason}`;
}

test("a gateway with a large config is ready within 3 seconds, in 250 MB", async () => {
  expect(untilReady.cpu).toBeLessThan(3000);
  expect(untilReady.rss).toBeLessThan(250 * MB);
});

test("after changes the gateway stays within 250 MB", async () => {
  await stall((turn) => void deny().splice(turn, 1, `12.0.0.${turn}`));
  await stall((turn) => Object.assign(keys()[9900 + turn] ?? {}, { disabled: true }));
  expect((await program.probe()).rss).toBeLessThan(250 * MB);
}, 60_000);

test("with 2,000 sessions, no change of the config holds the event loop for 50 ms", async () => {
  await open(SESSIONS);
  const routes = config.routes;
  const longest = {
    route: await stall((turn) => routes[7] && (routes[7].hostnames = [`changed-${turn}.test`])),
    deny: await stall((turn) => void deny().splice(turn, 1, `11.0.0.${turn}`)),
    key: await stall((turn) => Object.assign(keys()[9000 + turn] ?? {}, { disabled: true })),
    limits: await stall((turn) => Object.assign(config.policies.attempts?.[0]?.[0] ?? {}, { limit: 1000 + turn })),
  };
  expect(Object.entries(longest).filter(([, ms]) => ms > 50)).toEqual([]);
  expect(clients.filter(({ told }) => told)).toEqual([]);
}, 60_000);

test("a key that goes away ends its session, the last of the 2,000 too", async () => {
  Object.assign(keys()[SESSIONS - 1] ?? {}, { disabled: true });
  config.proxy.generation += 1;
  await publish("config", config);
  expect(await toldTo(clients.at(-1))).toBe("3000 CredentialRevoked");
  expect(clients.filter(({ told }) => told)).toHaveLength(1);
});

test("a change of 10,000 endpoints does not hold the event loop for 50 ms", async () => {
  const found: number[] = [];
  for (let turn = 0; turn < TRIES; turn += 1) {
    await program.probe("reset");
    await publish("endpoints", endpoints(9990 + turn));
    await until("they are in force", async () => (await inForce()) === hashOf(JSON.stringify(endpoints(9990 + turn))));
    found.push((await program.probe()).longest);
  }
  expect(Math.min(...found)).toBeLessThan(50);
});

test("a scrape of its metrics does not hold the event loop for 50 ms", async () => {
  const found: number[] = [];
  for (let turn = 0; turn < TRIES; turn += 1) {
    await program.probe("reset");
    expect(await status("/metrics")).toBe(200);
    found.push((await program.probe()).longest);
  }
  expect(Math.min(...found)).toBeLessThan(50);
});
