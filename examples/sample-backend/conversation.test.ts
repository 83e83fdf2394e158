import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { WebSocketServer, type WebSocket } from "ws";
import { WsClient } from "../../test/fakes/clients.ts";
import { FakeClock } from "../../test/fakes/clock.ts";
import { until } from "../../test/fakes/sockets.ts";
import { converse } from "./conversation.ts";

test("a client that reads nothing is not read from until it does, and loses nothing", async () => {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  const ends: WebSocket[] = [];
  server.on("connection", (socket, request) => {
    ends.push(socket);
    converse(socket, request, "pod", new FakeClock());
  });
  await once(server, "listening");
  const client = await WsClient.open(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  client.socket.pause();
  const message = Buffer.alloc(1_000_000, 1);
  // Far more than the kernel holds for a loopback connection, in both directions together.
  for (let sent = 0; sent < 40; sent += 1) client.socket.send(message);
  await until("the backend reads no more", () => ends[0]?.isPaused === true);
  expect(ends[0]?.bufferedAmount).toBeLessThan(4_000_000);
  client.socket.resume();
  await until("all echoes came", () => client.messages.length === 40);
  expect(client.messages.every(({ data, binary }) => binary && data.equals(message))).toBe(true);
  expect(ends[0]?.isPaused).toBe(false);
  client.socket.terminate();
  server.close();
});
