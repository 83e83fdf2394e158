import type { Socket } from "node:net";
import { afterEach, beforeAll, expect, test } from "vitest";
import { pour } from "../bench/load.ts";
import { RawBackend } from "../fakes/backends.ts";
import { Authority } from "../fakes/certificates.ts";
import { RawClient, request } from "../fakes/clients.ts";
import { binary, closeOf, parse } from "../fakes/frames.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { until } from "../fakes/sockets.ts";

const MiB = 2 ** 20;
const TIMEOUT = 3000;
/**
 * A kernel takes more of a socket's bytes only when a third of what it holds is gone: here 1.6 MB at a time. The mark is
 * so large that half of its tenth is two such steps: the slow receiver takes something within each time-out, but less
 * than it must.
 */
const MARK = 64 * MiB;
/** In bytes a second. */
const TENTH = MARK / 10 / (TIMEOUT / 1000);
const PATIENCE = 4 * TIMEOUT;

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

let ca: Authority;
beforeAll(async () => {
  ca = await Authority.create();
});

/** A receiver takes so many bytes a second, a tenth of them at a time. */
class Taking {
  readonly #socket: Socket;
  readonly #timer: NodeJS.Timeout;
  taken = 0;

  constructor(socket: Socket, bytes: number) {
    this.#socket = socket;
    const each = bytes / 10;
    let left = 0;
    socket.on("data", (chunk: Buffer) => {
      this.taken += chunk.length;
      left -= chunk.length;
      if (left <= 0) socket.pause();
    });
    socket.pause();
    this.#timer = setInterval(() => {
      left = Math.min(left, 0) + each;
      if (left > 0) socket.resume();
    }, 100);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#socket.destroy();
  }
}

test.each([
  ["client", "plain sockets", false],
  ["backend", "TLS", true],
] as const)(
  "above the mark a %s that takes its tenth lives, and one that takes half of it ends; over %s",
  async (slow, _what, secure) => {
    const pair = await ca.issue({ names: ["a.test"] });
    const source = await new RawBackend(
      (connection) => connection.accept(),
      secure ? { cert: pair.certificate, key: pair.privateKey } : undefined,
    ).open();
    const gateway = new TestGateway();
    open.push(gateway, source);
    const tls = secure ? { tls: { serverName: "a.test", ca: ca.ca } } : {};
    const slowConsumer = { maxBuffered: String(MARK), timeout: `${TIMEOUT}ms` };
    await gateway.serve(
      {
        ...(secure ? { tls: { keyPair: pair } } : {}),
        routes: [{ backends: [{ endpoints: "echo:80", weight: 1, ...tls }], policies: { slowConsumer } }],
      },
      [source.port],
    );
    const clients: RawClient[] = [];
    for (let n = 1; n <= 2; n += 1) {
      const client = secure
        ? await RawClient.openTls(gateway.port, { ca: ca.ca, servername: "a.test" })
        : await RawClient.open(gateway.port);
      client.socket.write(request());
      expect((await client.answer()).status).toBe(101);
      await until("the backend has it", () => source.connections.length === n);
      clients.push(client);
    }
    const [receivers, senders] = slow === "client" ? [clients, source.connections] : [source.connections, clients];
    const chunk = binary(Buffer.alloc(65_536), slow === "backend");
    const started = Date.now();
    const taking = receivers.map(({ socket }, n) => new Taking(socket, n === 0 ? 4 * TENTH : TENTH / 2));
    const poured = senders.map((sender) => pour(sender, chunk, 256 * MiB));
    const told = senders[1];
    await until("the slow one is given up", () => told?.told === true, PATIENCE);
    // One byte within each time-out was not enough.
    expect(taking[1]?.taken).toBeGreaterThan((TENTH / 4) * (TIMEOUT / 1000));
    const bytes = (told as { payload?: Buffer }).payload ?? told?.received ?? Buffer.alloc(0);
    expect(closeOf(parse(bytes).frames.at(-1) as never)).toEqual({ code: 1008, reason: "SlowConsumer" });
    await until("two time-outs are over", () => Date.now() - started > 2 * TIMEOUT);
    expect(await gateway.metric("slow_consumers_total")).toBe(1);
    expect(senders[0]?.told).toBe(false);
    expect(gateway.sessions).toBeGreaterThanOrEqual(1);
    for (const one of taking) one.stop();
    for (const { socket } of senders) socket.destroy();
    await Promise.all(poured);
  },
);
