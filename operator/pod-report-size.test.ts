import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { FakeClock } from "../test/fakes/clock.ts";
import { until } from "../test/fakes/sockets.ts";
import { askPods } from "./pod-report.ts";

const NEVER = new AbortController().signal;

/** A pod that says this, and how much of it was taken. */
async function pod(
  says: (write: (bytes: Buffer) => boolean) => void,
): Promise<{ port: number; closed: () => boolean }> {
  let closed = false;
  const server = createServer((request, response) => {
    request.socket.on("close", () => (closed = true));
    response.writeHead(200);
    says((bytes) => response.write(bytes));
  }).listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, closed: () => closed };
}

test("an answer of more than 16 MiB is none, and its connection is ended", async () => {
  const chunk = Buffer.alloc(1024 * 1024, " ");
  const { port, closed } = await pod((write) => {
    for (let mebibyte = 0; mebibyte < 17; mebibyte += 1) write(chunk);
  });
  expect(await askPods(port, new FakeClock())("127.0.0.1", "test/proxy", NEVER)).toBeUndefined();
  await until("the connection is ended", closed);
});

test("an answer that has not come after half a second is none, and its connection is ended", async () => {
  const clock = new FakeClock();
  let asked = false;
  const { port, closed } = await pod(() => (asked = true));
  const answer = askPods(port, clock)("127.0.0.1", "test/proxy", NEVER);
  await until("it was asked", () => asked);
  clock.advance(499);
  expect(closed()).toBe(false);
  clock.advance(1);
  expect(await answer).toBeUndefined();
  await until("the connection is ended", closed);
});
