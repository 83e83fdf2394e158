import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { acceptFor } from "../fakes/backends.ts";
import { RawClient, request } from "../fakes/clients.ts";
import { configOf } from "../fakes/config.ts";
import { freePort } from "../fakes/program.ts";
import { ProbedProgram } from "../fakes/probed-program.ts";
import { until } from "../fakes/sockets.ts";

/** A backend or an identity provider that lets many requests wait, and answers them all in one moment. */

/** CPU of one turn of the loop, in ms: all in one turn take 200 and more (backend), 60 and more (identity provider). */
const MOST = 50;
/** A run with a garbage collection takes longer: the best of several runs counts. */
const TRIES = 4;

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** Keeps its answers back until it is told to give them. */
async function holdsBack(answer: (head: string) => string): Promise<{ port: number; waiting: (() => void)[] }> {
  const sockets = new Set<Socket>();
  const waiting: (() => void)[] = [];
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}).once("close", () => sockets.delete(socket)));
    socket.once("data", (head: Buffer) => {
      waiting.push(() => socket.write(answer(head.toString("latin1"))));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  open.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, waiting };
}

function accepts(head: string): string {
  const key = /sec-websocket-key: (.*)\r\n/i.exec(head)?.[1] ?? "";
  const lines = [
    "HTTP/1.1 101 S",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${acceptFor(key)}`,
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

const inactive = (): string =>
  'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"active":false}';

test.each<[string, asked: number, status: number, answer: (head: string) => string]>([
  ["backend", 1500, 101, accepts],
  ["identity provider", 256, 401, inactive], // and as many wait behind them
])("%s", async (peer, asked, status, answer) => {
  const folder = await mkdtemp(join(tmpdir(), "wsproxy-answers-"));
  open.push(() => rm(folder, { recursive: true, force: true }));
  const port = await freePort();
  const { port: at, waiting } = await holdsBack(answer);
  const introspection = {
    ...{ endpoint: `http://127.0.0.1:${at}/`, allowHttp: true },
    credentials: { username: "gateway", password: "secret" },
  };
  const policies = peer === "backend" ? {} : { authentication: { introspection } };
  const endpoints = { version: 1, backends: { "echo:80": [{ address: "127.0.0.1", port: at, state: "Ready" }] } };
  await writeFile(
    join(folder, "config.json"),
    JSON.stringify(configOf({ port, access: "None", trustedProxies: ["127.0.0.1"], routes: [{ policies }] })),
  );
  await writeFile(join(folder, "endpoints.json"), JSON.stringify(endpoints));
  const program = new ProbedProgram(["dataplane", "--config", folder, "--address", "127.0.0.1", "--admin-port", "0"]);
  open.push(() => program.close());
  await until("it serves", () => program.logged("config applied") > 0, 15_000);
  const turns: number[] = [];
  for (let turn = 0; turn < TRIES && !turns.some((took) => took < MOST); turn += 1) {
    const handshakes = Array.from({ length: peer === "backend" ? asked : 2 * asked }, (_, n) =>
      request({ headers: { Authorization: `Bearer ${turn}-${n}`, "X-Forwarded-For": `10.0.${n >> 8}.${n & 255}` } }),
    );
    const clients = await Promise.all(handshakes.map((handshake) => RawClient.send(port, handshake)));
    await until("as many as may are asked about", () => waiting.length === asked);
    await program.probe("reset");
    await program.pause(async () => {
      for (const answers of waiting.splice(0)) answers();
      await new Promise((resolve) => setImmediate(resolve));
    });
    const rest = setInterval(() => waiting.splice(0).forEach((answers) => answers()), 1);
    for (const client of clients) expect((await client.answer()).status).toBe(status);
    clearInterval(rest);
    turns.push((await program.probe()).longest);
    for (const { socket } of clients) socket.destroy();
  }
  expect(Math.min(...turns)).toBeLessThan(MOST);
});
