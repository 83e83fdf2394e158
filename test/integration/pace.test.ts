import { afterEach, beforeAll, expect, test } from "vitest";
import { pour } from "../bench/load.ts";
import { RawBackend } from "../fakes/backends.ts";
import { Authority } from "../fakes/certificates.ts";
import { RawClient, request } from "../fakes/clients.ts";
import { binary, closeOf, parse } from "../fakes/frames.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { until, type Peer } from "../fakes/sockets.ts";

const MiB = 2 ** 20;
/** So much, and so long, that a tenth is some of the steps in which the kernel takes bytes, and none of them lasts as long. */
const MARK = 32 * MiB;
const TIMEOUT = 3000;

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

let ca: Authority;
beforeAll(async () => {
  ca = await Authority.create();
});

/** Takes about so many bytes a second, a tenth of them at a time. */
function take({ socket }: Peer, bytes: number): () => void {
  let left = 0;
  socket.on("data", (chunk: Buffer) => {
    left -= chunk.length;
    if (left <= 0) socket.pause();
  });
  socket.pause();
  const timer = setInterval(() => {
    left = bytes / 10;
    socket.resume();
  }, 100);
  return () => clearInterval(timer);
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
    // A tenth of the mark within the time-out is 1.1 MB a second.
    const stop = receivers.map((receiver, n) => take(receiver, n === 0 ? 16_000_000 : 500_000));
    const poured = senders.map((sender) => pour(sender, chunk, 256 * MiB));
    const told = senders[1];
    await until("the other is given up", () => told?.ended === true, 20_000);
    const bytes = (told as { payload?: Buffer }).payload ?? told?.received ?? Buffer.alloc(0);
    expect(closeOf(parse(bytes).frames.at(-1) as never)).toEqual({ code: 1008, reason: "SlowConsumer" });
    await until("two time-outs are over", () => Date.now() - started > 2 * TIMEOUT);
    expect(await gateway.metric("slow_consumers_total")).toBe(1);
    expect(senders[0]?.ended).toBe(false);
    expect(gateway.sessions).toBeGreaterThanOrEqual(1);
    for (const end of stop) end();
    for (const { socket } of [...clients, ...source.connections]) socket.destroy();
    await Promise.all(poured);
  },
);
