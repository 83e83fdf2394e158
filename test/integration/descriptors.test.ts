import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { RawClient, reasonOf, request, WsClient, type RawAnswer } from "../fakes/clients.ts";
import { Crowd } from "../fakes/crowd.ts";
import { until } from "../fakes/sockets.ts";
import { Stormed } from "../fakes/stormed.ts";

/** File descriptors of the process, some 30 of which it needs for itself. */
const LIMIT = 200;

async function attempt(port: number): Promise<RawAnswer> {
  const client = await RawClient.send(port, request());
  return client.answer();
}

/** Answers until one that is not 101; the sessions stay. */
async function fill(port: number): Promise<RawAnswer> {
  let answer = await attempt(port);
  for (let more = 0; more < LIMIT && answer.status === 101; more += 1) answer = await attempt(port);
  return answer;
}

const healthy = async (it: Stormed): Promise<number> =>
  (await fetch(`http://127.0.0.1:${it.adminPort}/healthz`, { headers: { connection: "close" } })).status;

/** The session lives. */
async function echoes(client: WsClient, word: string): Promise<void> {
  client.socket.send(word);
  await until(`the echo of ${word}`, () => client.messages.length > 0);
}

describe.each([
  ["", false],
  [", over TLS", true],
] as const)("of a process with few file descriptors%s", (_what, tls) => {
  test("handshakes get 503 before the last descriptor is used; sessions go on, and the admin port answers", async () => {
    const it = await Stormed.start({ descriptors: LIMIT, tls });
    const first = await WsClient.open(`${tls ? "wss" : "ws"}://127.0.0.1:${it.port}/`, [], {
      rejectUnauthorized: false,
    });
    const clients = 80;
    const crowd = await Crowd.gather({ port: it.port, clients, addresses: 1, tls });
    const { accepted, refused, cut, answers } = await crowd.come();
    expect({ accepted: accepted > 20, refused: refused > 0, cut, sum: accepted + refused }).toEqual({
      ...{ accepted: true, refused: true, cut: 0, sum: clients },
    });
    expect(Object.keys(answers)).toEqual(["101", "503"]);
    expect(await healthy(it)).toBe(200);
    await echoes(first, "hello");
    expect(await it.metric("handshakes_total", 'status="503",reason="Overloaded"')).toBe(refused);
    const limit = await it.metric("descriptors_limit");
    const most = Math.floor((limit - Math.ceil(limit / 8)) / 2);
    expect(await it.metric("connections_limit")).toBe(most);
    // If all come in the same moment, each of them has a descriptor, the refused too: what is left are backends' ones.
    expect(accepted + 2).toBeGreaterThanOrEqual(2 * most - clients);
    expect(accepted + 1).toBeLessThanOrEqual(most);
    await until("the refused have gone", async () => (await it.metric("descriptors_used")) === 2 * (accepted + 1));
    await it.program.logs("handshakes refused: hardly a file descriptor is left");
    await crowd.leave();
    await until("they are free again", async () => (await it.metric("descriptors_used")) === 2);
    expect((await crowdOf(it.port, 10, tls)).accepted).toBe(10);
  });

  test("a flood of heads of one address that are never complete keeps no other address out", async () => {
    const it = await Stormed.start({ descriptors: 2 * LIMIT, tls });
    const began = tls ? Buffer.from("160301020001", "hex") : Buffer.from("GET / HTTP/1.1\r\nHost: a.test\r\n");
    const flood = Array.from({ length: 600 }, () =>
      connect({ port: it.port, host: "127.0.0.1", localAddress: "127.7.7.7" }),
    );
    for (const socket of flood) socket.on("error", () => {}).on("connect", () => socket.write(began));
    await until("no more have room", async () => (await it.metric("evicted_sockets_total")) > 100);
    const honest = await crowdOf(it.port, 20, tls);
    expect([honest.accepted, honest.cut]).toEqual([20, 0]);
    for (const socket of flood) socket.destroy();
  });

  test("a flood of silent sockets neither silences the admin port nor keeps clients out", async () => {
    const it = await Stormed.start({ descriptors: LIMIT, tls });
    const flood = await Crowd.gather({ port: it.port, clients: 1000, addresses: 50, silent: true });
    const probes = it.watchHealth();
    flood.comeSilently();
    await until("they are there", async () => (await it.metric("evicted_sockets_total")) > 100);
    const honest = await crowdOf(it.port, 20, tls);
    expect([honest.accepted, honest.cut]).toEqual([20, 0]);
    await until("all of the flood came in", async () => (await it.metric("evicted_sockets_total")) > 800);
    await sleep(200);
    const { failures } = await probes.stop();
    expect(failures).toEqual([]);
    expect(await it.metric("descriptors_used")).toBeLessThanOrEqual(await it.metric("descriptors_limit"));
    const lines = it.program.lines("sockets closed without an answer");
    const counted = lines.reduce(
      (sum, { sockets }) => sum + Object.values(sockets as Record<string, number>).reduce((a, b) => a + b, 0),
      0,
    );
    const times = lines.map(({ time }) => Date.parse(String(time)));
    const pauses = times.slice(1).map((time, n) => time - (times[n] ?? 0));
    expect(counted).toBeGreaterThan(0);
    expect(Math.min(1000, ...pauses)).toBeGreaterThanOrEqual(990);
  });
});

/** Lets a process have one more file descriptor than it has, whatever it was started with. */
async function leaveOne(pid: number): Promise<void> {
  const open = new Set((await readdir(`/proc/${pid}/fd`)).map(Number));
  const free = Array.from({ length: open.size + 2 }, (_, n) => n).filter((n) => !open.has(n));
  spawnSync("prlimit", ["--pid", String(pid), `--nofile=${free[1]}:`]);
}

const prlimit = spawnSync("prlimit", ["--version"]).status === 0;

test.skipIf(!prlimit)(
  "when the limit is lowered: a dial without a descriptor is 503, a client without one is hung up on, and both recover",
  async () => {
    const it = await Stormed.start({ descriptors: 1000 });
    const first = await WsClient.open(`ws://127.0.0.1:${it.port}/`);
    await until("the admin port's last connection is closed", async () => (await it.metric("descriptors_used")) === 2);
    await leaveOne(it.program.pid);
    const answer = await attempt(it.port);
    expect([answer.status, reasonOf(answer)]).toEqual([503, "Overloaded"]);
    await leaveOne(it.program.pid);
    const taken = await RawClient.open(it.port);
    const failed = await RawClient.open(it.port);
    await until("it is closed", () => failed.closed || failed.ended);
    await echoes(first, "hello");
    spawnSync("prlimit", ["--pid", String(it.program.pid), "--nofile=1000:"]);
    expect(await healthy(it)).toBe(200);
    expect((await attempt(it.port)).status).toBe(101);
    taken.socket.destroy();
  },
);

test("where no descriptor is left in spite of that, handshakes get 503 and sessions go on", async () => {
  // Of so few the product can keep none for itself.
  const it = await Stormed.start({ descriptors: 48 });
  const first = await WsClient.open(`ws://127.0.0.1:${it.port}/`);
  const answer = await fill(it.port);
  expect([answer.status, answer.headers.get("retry-after"), reasonOf(answer)]).toEqual([503, "5", "Overloaded"]);
  await echoes(first, "hello");
});

test("requests to a silent identity provider, for clients that have left, take no descriptor of the admin port", async () => {
  const issuer = createServer().listen(0, "127.0.0.1");
  const asked: Socket[] = [];
  issuer.on("connection", (socket: Socket) => void asked.push(socket.on("error", () => {})));
  await once(issuer, "listening");
  const it = await Stormed.start({ descriptors: LIMIT, issuer: (issuer.address() as AddressInfo).port });
  const url = `ws://127.0.0.1:${it.port}/`;
  const sessions = await Promise.all(Array.from({ length: 40 }, () => WsClient.open(url)));
  const probes = it.watchHealth();
  for (let n = 0; n < 300; n += 1) {
    const headers = { Authorization: `Bearer made-up-${n}` };
    const client = await RawClient.send(it.port, request({ target: "/token", headers }));
    await sleep(5);
    client.socket.resetAndDestroy();
  }
  const { failures } = await probes.stop();
  expect(failures).toEqual([]);
  expect(asked.length).toBeGreaterThan(10);
  await echoes(sessions[0]!, "hello");
  for (const socket of asked) socket.destroy();
  issuer.close();
  await until("their descriptors are free", async () => (await it.metric("descriptors_used")) === 80);
});

async function crowdOf(port: number, clients: number, tls: boolean) {
  const crowd = await Crowd.gather({ port, clients, addresses: 1, tls });
  const outcome = await crowd.come();
  await crowd.leave();
  return outcome;
}
