import { connect } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { withKeys } from "../fakes/api-keys.ts";
import { polite, RawBackend } from "../fakes/backends.ts";
import { RawClient, request } from "../fakes/clients.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { Live } from "../fakes/live.ts";

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

const series = async (): Promise<Set<string>> => {
  const { body } = await gateway.admin("/metrics");
  const ours = body.split("\n").filter((line) => line.startsWith("wsproxy_"));
  return new Set(ours.map((line) => line.slice(0, line.lastIndexOf(" "))));
};

/** Sends a request, and resolves when the gateway has hung up. */
function ask(text: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ port: gateway.port, host: "127.0.0.1" }, () => socket.write(text));
    socket.on("data", () => {});
    socket.on("error", () => {});
    socket.on("close", () => resolve());
  });
}

async function inTurns(count: number, each: (n: number) => Promise<void>, width = 32): Promise<void> {
  let next = 0;
  const turn = async (): Promise<void> => {
    while (next < count) await each(next++);
  };
  await Promise.all(Array.from({ length: width }, turn));
}

const word = (): string => Math.random().toString(36).slice(2);
const METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PURGE", "MKCOL", "BREW"];

function anything(n: number): string {
  const headers: Record<string, string> = { "X-Api-Key": word(), Host: `${word()}.test`, [`X-${word()}`]: word() };
  if (n % 3 === 0) headers["X-Request-Id"] = word() + word();
  if (n % 5 === 0) headers["Sec-WebSocket-Protocol"] = word();
  if (n % 7 === 0) headers["Sec-WebSocket-Version"] = String(n);
  const method = n % 2 === 0 ? "GET" : (METHODS[n % METHODS.length] ?? "GET");
  return request({ method, target: `/${n % 4 === 0 ? "ws" : word()}/${word()}?${word()}=${word()}`, headers });
}

test("O3 10,000 random hosts, paths, methods and keys make no series that a hundred did not", async () => {
  const route = { path: { type: "Prefix" as const, value: "/ws" }, policies: withKeys(["alice"]) };
  await gateway.serve({ routes: [route], access: "None" }, [backend.port]);
  await inTurns(200, (n) => ask(anything(n)));
  const before = await series();
  await inTurns(10_000, (n) => ask(anything(n)));
  expect([...(await series())].filter((one) => !before.has(one))).toEqual([]);
  expect(gateway.lines).toEqual([]);
  expect(await gateway.metric("handshake_duration_seconds")).toBeGreaterThanOrEqual(10_200);
}, 60_000);

test("a thousand close codes that a backend makes up give few series", async () => {
  let code = 2999;
  const talker = await new RawBackend((it) => {
    it.accept([], Buffer.from([0x88, 2, (code += 1) >> 8, code & 0xff]));
    it.socket.on("data", () => it.socket.end());
  }).open();
  await gateway.serve({ access: "None" }, [talker.port]);
  await inTurns(
    1000,
    async () => {
      const client = await RawClient.send(gateway.port, request());
      await client.answer();
      client.send(Buffer.from([0x88, 0x80, 1, 2, 3, 4]));
      client.socket.end();
    },
    8,
  );
  await gateway.empty();
  expect([...(await series())].filter((one) => one.includes("connections_closed")).length).toBeLessThan(12);
  await talker.close();
});

/**
 * 2,000 requests, one a millisecond. How long the event loop was held between two looks at it (99th percentile), and what
 * each request cost, in ms of this thread's CPU time: what other processes take of the machine is not the gateway's.
 */
async function flood(target: string): Promise<{ p99: number; each: number }> {
  const spent = (): number => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  const [start, before] = [performance.now(), spent()];
  const held: number[] = [];
  let last = before;
  const looking = setInterval(() => {
    const now = spent();
    held.push(now - last);
    last = now;
  }, 1);
  const one = async (n: number): Promise<void> => {
    const early = start + n - performance.now();
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    await ask(request({ target, headers: { "X-Api-Key": `wrong-key-of-some-length-${n}` } }));
  };
  await inTurns(2000, one, 64);
  clearInterval(looking);
  held.sort((a, b) => a - b);
  return { p99: held[Math.floor(held.length * 0.99)] ?? Number.NaN, each: (spent() - before) / 2000 };
}

test("E6 a thousand wrong keys a second leave the event loop free and live sessions undisturbed", async () => {
  const keys = ["alice", ...Array.from({ length: 9999 }, (_, n) => `client-${n}`)];
  const route = { path: { type: "Prefix" as const, value: "/ws" }, policies: withKeys(keys) };
  await gateway.serve({ routes: [route], access: "None" }, [backend.port]);
  const live = await Live.open(gateway, backend, { client: "alice", target: "/ws" });
  const unread = await flood("/none"); // the same without a look at the key
  const { p99, each } = await flood("/ws");
  expect(p99).toBeLessThan(20);
  expect(each).toBeLessThan(unread.each + 1);
  expect(await gateway.metric("authentications_total", { method: "apiKey", reason: "CredentialInvalid" })).toBe(2000);
  expect(backend.connections).toHaveLength(1);
  await live.lives();
});

test("E5 wrong keys that begin like a good one are refused as fast as others", async () => {
  await gateway.serve({ routes: [{ policies: withKeys(["alice"]) }], access: "None" }, [backend.port]);
  const time = async (key: string): Promise<number> => {
    const start = performance.now();
    await ask(request({ headers: { "X-Api-Key": key } }));
    return performance.now() - start;
  };
  const times: { near: number[]; far: number[] } = { near: [], far: [] };
  for (let n = 0; n < 400; n += 1) {
    times.near.push(await time("alice-key-0123456789abcdeX"));
    times.far.push(await time("X".repeat(26)));
  }
  const middle = (list: number[]): number => list.sort((a, b) => a - b)[list.length / 2] ?? Number.NaN;
  expect(Math.abs(middle(times.near) - middle(times.far))).toBeLessThan(0.5 * middle(times.far));
});
