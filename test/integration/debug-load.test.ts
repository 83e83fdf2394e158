import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DEBUG } from "../../api/debug.ts";
import { polite, RawBackend } from "../fakes/backends.ts";
import { RawClient, request, WsClient } from "../fakes/clients.ts";
import { text } from "../fakes/frames.ts";
import { ADMIN_TOKEN, GatewayProcess } from "../fakes/gateway-process.ts";
import { tooMuchInEachRound } from "../fakes/rounds.ts";
import { until } from "../fakes/sockets.ts";

/** Handshakes that are under way at the same time. */
const UNDER_WAY = 40;
/** In one go; how many there are in a second is the machine's. */
const HANDSHAKES = 6000;
const MIB = 1_048_576;

let backend: RawBackend;

beforeEach(async () => {
  backend = await new RawBackend(polite).open();
});
afterEach(() => backend.close());

/** Handshakes as fast as they go: every other one is refused, the others hang up behind their 101. */
async function load(port: number, handshakes: number): Promise<number[]> {
  const statuses: number[] = [];
  let left = handshakes;
  const client = async (): Promise<void> => {
    while ((left -= 1) >= 0) {
      const target = left % 2 === 0 ? "/ws" : "/none";
      const one = await RawClient.send(port, request({ target, headers: { "X-Request-Id": `request-${left}` } }));
      statuses.push((await one.answer()).status);
      one.socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: UNDER_WAY }, client));
  return statuses;
}

test("watchers that read nothing are cut, and thousands of handshakes leave memory as it was and sessions unharmed", async () => {
  const round = async (): Promise<{ heap: number; turn: number }> => {
    const routes = [{ path: { type: "Prefix" as const, value: "/ws" } }];
    const gateway = await GatewayProcess.start({ config: { routes }, ports: [backend.port], watched: true });
    const already = backend.connections.length;
    const session = await WsClient.open(`ws://127.0.0.1:${gateway.port}/ws`);
    try {
      await gateway.stall();
      await load(gateway.port, HANDSHAKES / 2);
      await gateway.lines();
      const [before, cut] = [await gateway.usage(), await gateway.stall()];
      await gateway.longestTurn();
      const statuses = await load(gateway.port, HANDSHAKES);
      const turn = await gateway.longestTurn();
      await gateway.lines();
      const after = await gateway.usage();
      expect(statuses.filter((status) => status === 101)).toHaveLength(HANDSHAKES / 2);
      expect(statuses.filter((status) => status === 404)).toHaveLength(HANDSHAKES / 2);
      // Each handshake is 0.3 to 1 KiB for each watcher: all five had more than a megabyte to read, and came again.
      expect(await gateway.stall()).toBeGreaterThanOrEqual(cut + 5);
      backend.connections[already]?.socket.write(text("still here"));
      expect(await session.message()).toBe("still here");
      return { heap: after.heap - before.heap, turn };
    } finally {
      session.socket.terminate();
      await gateway.close();
    }
  };
  expect(await tooMuchInEachRound({ heap: 3 * MIB, turn: 100 }, round)).toEqual({});
}, 240_000);

/** As many readers of `/debug/events` as there may be, that read nothing: for each that is cut another one comes. */
class StalledWatchers {
  /** Those that have had a place. */
  opened = 0;
  readonly #port: number;
  readonly #sockets: Socket[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(port: number) {
    this.#port = port;
    this.#timer = setInterval(() => this.#open(), 50);
  }

  /** Those that were cut. A client that reads nothing does not see it. */
  get cut(): number {
    return Math.max(0, this.opened - DEBUG.watchers);
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const socket of this.#sockets) socket.destroy();
  }

  #open(): void {
    const socket = connect(this.#port, "127.0.0.1").on("error", () => {});
    this.#sockets.push(socket);
    socket.write(`GET /debug/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${ADMIN_TOKEN}\r\n\r\n`);
    socket.once("data", (head: Buffer) => {
      socket.pause();
      if (head.includes("HTTP/1.1 200")) this.opened += 1;
      else socket.destroy();
    });
  }
}

/** A second's handshakes, and for how long. */
const PER_SECOND = 2000;
const SECONDS = 10;

test("P6 of 2,000 handshakes a second, watchers that read nothing are cut; memory is flat, and a session has all its messages", async () => {
  const round = async (): Promise<{ heap: number; turn: number; wait: number; millis: number }> => {
    const gateway = await GatewayProcess.start({ ports: [backend.port], watched: true });
    const already = backend.connections.length;
    const session = await WsClient.open(`ws://127.0.0.1:${gateway.port}/ws`);
    const watchers = new StalledWatchers(await gateway.adminPort());
    try {
      await gateway.tellHandshakes(PER_SECOND, SECONDS / 2);
      const [before, cut] = [await gateway.usage(), watchers.cut];
      await gateway.longestTurn();
      const over = new AbortController();
      const telling = gateway.tellHandshakes(PER_SECOND, SECONDS).finally(() => over.abort());
      const waits: number[] = [];
      for (let message = 0; !over.signal.aborted; message += 1) {
        const sent = performance.now();
        backend.connections[already]?.socket.write(text(`message ${message}`));
        await until("it has arrived", () => session.messages.length > message);
        waits.push(performance.now() - sent);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      const { handshakes, millis } = await telling;
      expect(session.messages.map(({ data }) => String(data))).toEqual(waits.map((_, message) => `message ${message}`));
      const turn = await gateway.longestTurn();
      const after = await gateway.usage();
      expect(handshakes).toBe(PER_SECOND * SECONDS);
      expect(watchers.cut).toBeGreaterThanOrEqual(cut + DEBUG.watchers);
      const [wait = Number.NaN] = waits.sort((a, b) => a - b).slice(Math.floor(waits.length * 0.99));
      return { heap: after.heap - before.heap, turn, wait, millis };
    } finally {
      watchers.stop();
      session.socket.terminate();
      await gateway.close();
    }
  };
  const most = { heap: 8 * MIB, turn: 60, wait: 100, millis: 1.1 * SECONDS * 1000 };
  expect(await tooMuchInEachRound(most, round)).toEqual({});
}, 240_000);
