import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { until } from "../fakes/sockets.ts";
import { Ledger } from "./ledger.ts";

let server: Server;
let sockets: WebSocketServer;
let ledger: Ledger;
let url: string;

/** Echoes; a message "bye" is answered with a Close, and the path /no with a refusal. */
beforeEach(async () => {
  server = createServer();
  sockets = new WebSocketServer({ noServer: true });
  sockets.on("connection", (socket) =>
    socket.on("message", (data: Buffer) =>
      data.toString() === "bye" ? socket.close(3000, "CredentialRevoked") : socket.send(data.toString()),
    ),
  );
  server.on("upgrade", (request, socket, head) => {
    if (request.url !== "/no")
      return sockets.handleUpgrade(request, socket, head, (it) => sockets.emit("connection", it));
    const body = JSON.stringify({ reason: "CredentialMissing" });
    socket.end(`HTTP/1.1 401 Unauthorized\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  ledger = new Ledger();
});
afterEach(async () => {
  await ledger.end();
  server.close();
});

test("a session's dial, messages and Close are in the book, in order and with their times", async () => {
  const session = await ledger.open(url, { as: "alice" });
  await session.echo("one");
  await session.echo("two");
  session.send("bye");
  await session.ended();
  const [entry] = ledger.ended;
  expect(entry).toMatchObject({
    id: 1,
    as: "alice",
    refused: undefined,
    closed: { code: 3000, text: "CredentialRevoked" },
  });
  expect(entry?.received.map(({ text }) => text)).toEqual(["one", "two"]);
  const times = [entry?.dialled, entry?.opened, entry?.sent[0]?.at, entry?.received[1]?.at, entry?.closed.at];
  expect(times).toEqual(times.toSorted((a, b) => (a ?? 0) - (b ?? 0)));
  expect(ledger.disorder()).toEqual([]);
});

test("a refused handshake counts as a refusal and not as a session", async () => {
  expect(await ledger.dial(`${url}/no`).refused()).toBe("401 CredentialMissing");
  await expect(ledger.open(`${url}/no`)).rejects.toThrow("refused: 401 CredentialMissing");
  expect(ledger.refusals).toHaveLength(2);
  expect(ledger.ended).toEqual([]);
});

test("a port without a listener counts as a refusal, with the system's error", async () => {
  await expect(ledger.open("ws://127.0.0.1:1")).rejects.toThrow("ECONNREFUSED");
  expect(ledger.refusals).toHaveLength(1);
});

test("an echo that is missing or out of order is found", async () => {
  const session = await ledger.open(url, { as: "bob" });
  session.send("one");
  session.send("two");
  await session.message(2);
  session.entry.received.shift();
  expect(ledger.disorder()).toEqual(['session 1 (bob): message 1 is "two" instead of "one"']);
});

test("a session that talks is open until it is ended", async () => {
  const session = (await ledger.open(url)).talk(1);
  await until("it talked", () => session.entry.received.length > 3);
  expect(ledger.live).toEqual([session]);
  await ledger.end();
  expect(ledger.live).toEqual([]);
  expect(session.entry.closed?.code).toBe(1000);
  expect(ledger.disorder()).toEqual([]);
});

test("a session has caught up when all that it sent came back, and never when it ended before", async () => {
  const session = await ledger.open(url);
  await session.caughtUp();
  for (const text of ["one", "two", "three"]) session.send(text);
  await session.caughtUp();
  expect(session.entry.received).toHaveLength(3);
  session.send("bye");
  await expect(session.caughtUp()).rejects.toThrow("3 of 4 messages came back");
});
