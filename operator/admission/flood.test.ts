import { Worker } from "node:worker_threads";
import { once } from "node:events";
import type { Agent } from "node:https";
import { connect as connectTcp, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { until } from "../../test/fakes/sockets.ts";
import { allowAll, reviewOf, WebhookBench } from "../../test/fakes/webhook.ts";
import type { AdmissionResponse } from "./response.ts";

// Whatever others send to the port, an API server has its answer within a second.

const CROWD = new URL("../../test/fakes/webhook-crowd-main.ts", import.meta.url);
const OTHER = "127.0.0.9";
/** The beginning of a TLS record with a hello that never becomes complete. */
const HELLO = Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]);

/** Connections that send these bytes and nothing more. */
async function flood(bench: WebhookBench, count: number, localAddress: string, bytes?: Buffer): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => {
    const socket = connectTcp({ port: bench.port, host: "127.0.0.1", localAddress });
    socket.on("error", () => {}).resume();
    if (bytes !== undefined) socket.on("connect", () => socket.write(bytes));
    return socket;
  });
  onTestFinished(() => sockets.forEach((socket) => socket.destroy()));
  await Promise.all(sockets.map((socket) => once(socket, "connect").catch(() => {})));
  return sockets;
}

/**
 * How long calls take, one after the other: the longest of a round, in ms, and the best of three rounds, since other
 * processes may hold up this one for a moment, too.
 */
async function longestOf(calls: number, call: () => Promise<{ readonly status: number }>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 3; round += 1) {
    let longest = 0;
    for (let n = 0; n < calls; n += 1) {
      const began = performance.now();
      expect((await call()).status).toBe(200);
      longest = Math.max(longest, performance.now() - began);
    }
    best = Math.min(best, longest);
  }
  return best;
}

/** A request with this body, as bytes. */
function textOf(body: string): Buffer {
  const head = `POST /inject HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`;
  return Buffer.from(`${head}\r\n\r\n${body}`);
}

/** The caller's port of the connection that waits for the next call. */
function portOf({ freeSockets }: Agent): number | undefined {
  return Object.values(freeSockets)[0]?.[0]?.localPort;
}

test.each([
  ["another address", OTHER, undefined],
  ["the same address", "127.0.0.1", undefined],
  ["another address, with half a TLS hello each", OTHER, HELLO],
  ["the same address, with half a TLS hello each", "127.0.0.1", HELLO],
])("W5 2,000 silent connections of %s hold up no call, and 512 at the most stay open", async (_, address, bytes) => {
  const bench = await WebhookBench.open();
  await flood(bench, 2000, address, bytes);
  await until("there were too many", () => bench.closed.length >= 1488);
  expect(await longestOf(5, () => bench.call())).toBeLessThan(1000);
  expect(bench.server.connections).toBeLessThanOrEqual(512);
  expect(new Set(bench.closed)).toEqual(new Set(["Evicted"]));
});

test("W5 a flood closes no connection of an address that has fewer, with a call under way or without", async () => {
  const bench = await WebhookBench.open();
  const agent = bench.agent();
  await bench.call(reviewOf(), { agent });
  await until("its connection is free", () => portOf(agent) !== undefined);
  const port = portOf(agent);
  const busy = await bench.secured();
  const body = reviewOf("slow");
  const head = `POST /inject HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  busy.send(Buffer.from(head));
  await flood(bench, 2000, OTHER);
  await until("there were too many", () => bench.closed.length >= 1488);
  busy.send(Buffer.from(body));
  await until("the call under way is answered", () => busy.received.includes('"uid":"slow"'));
  expect((await bench.call(reviewOf(), { agent })).status).toBe(200);
  await until("the same connection is free again", () => portOf(agent) === port);
});

test("W6 large bodies that never end hold up neither small nor large calls of another address", async () => {
  const bench = await WebhookBench.open();
  const slow = await Promise.all(Array.from({ length: 20 }, () => bench.secured({ localAddress: OTHER })));
  const head = "POST /inject HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 4000000\r\n\r\n";
  for (const peer of slow) peer.send(Buffer.from(head), Buffer.alloc(100_000, 0x20));
  await until("they are read", () => bench.server.connections === 20);
  expect(await longestOf(5, () => bench.call())).toBeLessThan(1000);
  expect(await longestOf(2, () => bench.call(reviewOf("large", 1_000_000)))).toBeLessThan(1000);
});

test("callers that leave in the middle of a large body leave their room to others", async () => {
  const bench = await WebhookBench.open();
  const head = "POST /inject HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 4000000\r\n\r\n";
  for (let round = 0; round < 3; round += 1) {
    const peers = await Promise.all(
      ["127.0.0.8", "127.0.0.8", OTHER, OTHER].map((localAddress) => bench.secured({ localAddress })),
    );
    for (const peer of peers) peer.send(Buffer.from(head), Buffer.alloc(100_000, 0x20));
    await until("they are read", () => bench.server.connections === peers.length);
    for (const peer of peers) peer.socket.destroy();
    await until("they are gone", () => bench.server.connections === 0);
    expect(await longestOf(1, () => bench.call(reviewOf("large", 1_000_000)))).toBeLessThan(1000);
    await until("so is the caller", () => bench.server.connections === 0);
  }
  expect(bench.closed).toEqual([]);
});

test.each([
  ["small bodies", 100, 5000],
  ["large bodies", 6, 3_000_000],
])("a crowd that sends %s without a pause from another address holds up no call", async (_, callers, padding) => {
  const bench = await WebhookBench.open();
  const where = { port: bench.port, localAddress: OTHER, callers, body: reviewOf("crowd", padding) };
  const crowd = new Worker(CROWD, { workerData: where });
  onTestFinished(async () => void (await crowd.terminate()));
  await until("it is answered", () => bench.results.length > 2 * callers);
  const before = bench.results.length;
  expect(await longestOf(5, () => bench.call())).toBeLessThan(1000);
  await until("the crowd goes on", () => bench.results.length > before + 20);
});

test("W5 callers that give up before their answer leave nothing behind", async () => {
  const waiting: number[] = [];
  let answered = 0;
  const answer = (review: unknown): AdmissionResponse | undefined => {
    answered += 1;
    waiting.push(bench.server.waiting);
    const end = performance.now() + 20;
    while (performance.now() < end);
    return allowAll(review);
  };
  const bench = await WebhookBench.open({ answer });
  const peers = await Promise.all(Array.from({ length: 60 }, () => bench.secured({ localAddress: OTHER })));
  for (const peer of peers) peer.send(textOf(reviewOf("dear")));
  await until("they wait", () => Math.max(...waiting) > 10);
  for (const { socket } of peers) socket.destroy();
  await until("they are gone", () => bench.server.connections === 0);
  expect([bench.server.waiting, answered < 60]).toEqual([0, true]);
  expect((await bench.call()).status).toBe(200);
});

test("W5 calls that are dear to answer wait for each other, and not a call of another address", async () => {
  const answered: string[] = [];
  const answer = (review: unknown): AdmissionResponse | undefined => {
    const response = allowAll(review);
    answered.push(response?.uid ?? "");
    const until20ms = performance.now() + 20;
    while (performance.now() < until20ms);
    return response;
  };
  const bench = await WebhookBench.open({ answer });
  const peers = await Promise.all(Array.from({ length: 100 }, () => bench.secured({ localAddress: OTHER })));
  const api = await bench.secured();
  for (const peer of peers) peer.send(textOf(reviewOf("dear")));
  await until("they are being answered", () => answered.length > 0);
  const before = answered.length;
  api.send(textOf(reviewOf("api")));
  await until("all are answered", () => answered.length === 101);
  expect(answered.indexOf("api") - before).toBeLessThan(20);
});

test("the room of a large body rests for as long as the body took", async () => {
  const clock = new FakeClock();
  const bench = await WebhookBench.open({ clock });
  const agent = bench.agent();
  const peers = await Promise.all([bench.secured(), bench.secured()]);
  const body = reviewOf("slow", 100_000);
  const head = `POST /inject HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  for (const peer of peers) peer.send(Buffer.from(head));
  await until("their turn is there", () => clock.has(2000));
  clock.advance(700);
  for (const peer of peers) peer.send(Buffer.from(body));
  await until("they are answered", () => bench.results.length === 2);
  const third = bench.call(body, { agent });
  await until("both rest", () => clock.has(700) && bench.server.connections === 3);
  clock.advance(699);
  expect(bench.results.length).toBe(2);
  clock.advance(1);
  expect((await third).status).toBe(200);
});
