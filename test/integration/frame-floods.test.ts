import { createServer, type AddressInfo, type Socket } from "node:net";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
import { acceptFor } from "../fakes/backends.ts";
import { RawClient, request } from "../fakes/clients.ts";
import { configOf, policiesOf } from "../fakes/config.ts";
import { frame, text } from "../fakes/frames.ts";
import { freePort } from "../fakes/program.ts";
import { ProbedProgram } from "../fakes/probed-program.ts";
import { until } from "../fakes/sockets.ts";

/**
 * Clients that send as much as the wire takes, in frames that cost the gateway far more than the wire: each turn of its
 * event loop stays short, and everything arrives.
 */

const CLIENTS = 40;
/** Bytes of each. */
const FLOOD = 1_000_000;
/** CPU of one turn of the loop, in ms; without a share for each turn it is 160 and more. */
const MOST = 60;
/** A run with a garbage collection takes longer: the best of several runs counts. */
const TRIES = 4;

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** Accepts every handshake, and counts what comes. */
async function sink(): Promise<{ port: number; received: () => number }> {
  const sockets = new Set<Socket>();
  let received = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("data", (head: Buffer) => {
      const key = /sec-websocket-key: (.*)\r\n/i.exec(head.toString("latin1"))?.[1] ?? "";
      const lines = ["HTTP/1.1 101 S", "Upgrade: websocket", "Connection: Upgrade"];
      socket.write(`${lines.join("\r\n")}\r\nSec-WebSocket-Accept: ${acceptFor(key)}\r\n\r\n`);
      socket.on("data", (chunk: Buffer) => (received += chunk.length));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  open.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, received: () => received };
}

/** A data plane before this sink. */
async function gateway(port: number, backend: number, policies: object): Promise<ProbedProgram> {
  const folder = await mkdtemp(join(tmpdir(), "wsproxy-floods-"));
  open.push(() => rm(folder, { recursive: true, force: true }));
  const config = configOf({ port, access: "None", routes: [{ policies: policiesOf({ ...policies }) }] });
  const endpoints = { version: 1, backends: { "echo:80": [{ address: "127.0.0.1", port: backend, state: "Ready" }] } };
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  await writeFile(join(folder, "endpoints.json"), JSON.stringify(endpoints));
  const program = new ProbedProgram(["dataplane", "--config", folder, "--address", "127.0.0.1", "--admin-port", "0"]);
  open.push(() => program.close());
  await until("it serves", () => program.logged("config applied") > 0, 15_000);
  return program;
}

const mask = true;
const fragment = frame({ opcode: 0, fin: false, mask, payload: "x" });
const fragmented = Buffer.concat([
  frame({ opcode: 1, fin: false, mask, payload: "x" }),
  ...Array.from({ length: 4000 }, () => fragment),
  frame({ opcode: 0, mask, payload: "x" }),
]);

const dropped = { messages: { fromClient: [{ per: "Client", limit: 1, interval: "1h", burst: 1, onExceed: "Drop" }] } };

test.each<[string, Buffer, policies: object, arrives: boolean]>([
  ["messages of one byte", text("x", mask), {}, true],
  ["empty messages", text("", mask), {}, true],
  ["messages of 4,000 fragments of one byte", fragmented, {}, true],
  ["messages of one byte that a limit drops", text("x", mask), dropped, false],
])("%s of 40 clients at once", async (_what, message, policies, arrives) => {
  const backend = await sink();
  const port = await freePort();
  const program = await gateway(port, backend.port, policies);
  const flood = Buffer.concat(Array.from({ length: Math.ceil(FLOOD / message.length) }, () => message));
  const turns: number[] = [];
  for (let turn = 0; turn < TRIES && Math.min(...turns) > MOST; turn += 1) {
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => RawClient.send(port, request())));
    for (const client of clients) expect((await client.answer()).status).toBe(101);
    const before = backend.received();
    await program.probe("reset");
    for (const { socket } of clients) socket.write(flood);
    const all = arrives ? CLIENTS * flood.length : 0;
    await until("all of it has been read", () => clients.every(({ socket }) => socket.writableLength === 0), 30_000);
    await until("all of it has arrived", () => backend.received() - before >= all, 30_000);
    turns.push((await program.probe()).longest);
    if (arrives) expect(backend.received() - before).toBe(all);
    for (const { socket } of clients) socket.destroy();
  }
  expect(Math.min(...turns)).toBeLessThan(MOST);
});
