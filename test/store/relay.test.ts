import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { until } from "../fakes/sockets.ts";
import { Relay, type Direction } from "./relay.ts";
import { STORE_LACKS, StoreServer } from "./server.ts";

/** A client that speaks by hand. */
class Caller {
  said = "";
  ended = false;
  readonly socket: Socket;

  constructor(port: number) {
    this.socket = connect(port, "127.0.0.1");
    this.socket.on("data", (bytes: Buffer) => (this.said += bytes.toString()));
    this.socket.on("error", () => {});
    this.socket.on("close", () => (this.ended = true));
    onTestFinished(() => void this.socket.destroy());
  }

  send(...words: readonly string[]): void {
    this.socket.write(words.map((word) => `${word}\r\n`).join(""));
  }

  hears(text: string): Promise<void> {
    return until(`it hears ${text}`, () => this.said.includes(text));
  }

  /** The numbers that came back. */
  get echoes(): number[] {
    return [...this.said.matchAll(/^(\d+)\r/gm)].map(([, n]) => Number(n));
  }

  /** ms until the answer to PING is there. */
  async ping(): Promise<number> {
    const started = performance.now();
    this.said = "";
    this.send("PING");
    await this.hears("+PONG");
    return performance.now() - started;
  }
}

async function relayed(): Promise<{ store: StoreServer; relay: Relay; caller: Caller }> {
  const store = await StoreServer.start();
  const relay = await Relay.open(store);
  const caller = new Caller(relay.port);
  await caller.ping();
  return { store, relay, caller };
}

const quiet = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 100));

describe.skipIf(STORE_LACKS !== undefined)("between a client and a store (skipped where no store is installed)", () => {
  test.each<[Direction, number]>([
    ["up", 60],
    ["down", 60],
    ["both", 120],
  ])("latency %s delays an answer by %i ms", async (direction, least) => {
    const { relay, caller } = await relayed();
    await relay.latency(60, direction);
    expect(await caller.ping()).toBeGreaterThanOrEqual(least - 1);
    await relay.heal();
    await until("it is as fast as before", async () => (await caller.ping()) < least);
  });

  test("a delay keeps the order", async () => {
    const { relay, caller } = await relayed();
    await relay.latency(50);
    caller.send("ECHO 1");
    await relay.latency(0);
    caller.send("ECHO 2", "ECHO 3");
    await caller.hears("3\r");
    expect(caller.echoes).toEqual([1, 2, 3]);
  });

  test("silence up keeps commands from the store, and delivers them afterwards", async () => {
    const { store, relay, caller } = await relayed();
    await relay.silence("up");
    caller.send("SET key late");
    await quiet();
    expect(await store.ask("GET", "key")).toBeNull();
    await relay.heal();
    await caller.hears("+OK");
    expect(await store.ask("GET", "key")).toBe("late");
  });

  test("silence down lets the store do what no client hears of", async () => {
    const { store, relay, caller } = await relayed();
    caller.said = "";
    await relay.silence("down");
    caller.send("SET key done");
    await until("the store has it", async () => (await store.ask("GET", "key")) === "done");
    const fresh = new Caller(relay.port);
    fresh.send("PING");
    await quiet();
    expect([caller.said, fresh.said, caller.ended]).toEqual(["", "", false]);
    await relay.heal();
    await caller.hears("+OK");
    await fresh.hears("+PONG");
  });

  test("a lost connection stays dead, and a new one works", async () => {
    const { store, relay, caller } = await relayed();
    caller.said = "";
    await relay.lose();
    caller.send("SET key lost");
    await quiet();
    await relay.heal();
    await new Caller(relay.port).ping();
    expect([caller.said, caller.ended, await store.ask("GET", "key")]).toEqual(["", false, null]);
    caller.socket.destroy();
    await quiet();
    expect(Number(await store.info("connected_clients"))).toBeGreaterThanOrEqual(3); // the dead one, the new one, the question
  });

  test("a cut resets both ends", async () => {
    const { store, relay, caller } = await relayed();
    await relay.cut();
    await until("the client hears of it", () => caller.ended);
    await until("the store hears of it", async () => Number(await store.info("connected_clients")) === 1);
    await new Caller(relay.port).ping();
  });

  test("a refusal keeps open connections, and ends", async () => {
    const { relay, caller } = await relayed();
    await relay.refuse();
    const refused = connect(relay.port, "127.0.0.1");
    const [error] = (await once(refused, "error")) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ECONNREFUSED");
    await caller.ping();
    await relay.accept();
    await new Caller(relay.port).ping();
  });

  test("new connections lead to the server that is named", async () => {
    const { store, relay, caller } = await relayed();
    const replica = await store.replica();
    await store.kill();
    await until("the client hears that the store is gone", () => caller.ended);
    await replica.promote();
    await relay.lead(replica);
    const fresh = new Caller(relay.port);
    fresh.send("SET key value");
    await fresh.hears("+OK");
  });

  test("the end of either side reaches the other", async () => {
    const { store, relay, caller } = await relayed();
    caller.socket.end("QUIT\r\n");
    await until("the client's end came back", () => caller.ended);
    expect(await relay.count()).toEqual({ open: 0, ever: 1 });
    expect(Number(await store.info("connected_clients"))).toBe(1);
  });

  test("lost packets come later, in their order", async () => {
    const { relay, caller } = await relayed();
    await relay.loss(1, "up");
    expect(await caller.ping()).toBeGreaterThanOrEqual(199);
    await relay.loss(0.3);
    caller.said = "";
    for (let n = 10; n < 40; n++) caller.send(`ECHO ${n}`);
    await caller.hears("39");
    expect(caller.echoes).toEqual(Array.from({ length: 30 }, (_, n) => n + 10));
  });

  test("a large answer passes whole", async () => {
    const { store, relay, caller } = await relayed();
    await store.ask("SETRANGE", "large", String(8_000_000), "end");
    await relay.latency(20, "down");
    caller.said = "";
    caller.send("GET large");
    await until("all is there", () => caller.said.length === 8_000_003 + "$8000003\r\n\r\n".length);
    expect(caller.said.endsWith("end\r\n")).toBe(true);
  });

  test("it works while this process is busy", async () => {
    const { relay, caller } = await relayed();
    caller.said = "";
    caller.send("PING");
    await new Promise((resolve) => setImmediate(resolve));
    const busyUntil = performance.now() + 300;
    while (performance.now() < busyUntil);
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    expect(caller.said).toBe("+PONG\r\n");
    await relay.close();
  });
});
