import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { onTestFinished, expect, test } from "vitest";
import { RawClient, request } from "../../test/fakes/clients.ts";
import { FakeClock } from "../../test/fakes/clock.ts";
import { admission, waitingRoom } from "../../test/fakes/admission.ts";
import { until } from "../../test/fakes/sockets.ts";
import type { Client } from "../arrival.ts";
import { Listener } from "./listener.ts";
import { OpenPort } from "./open-port.ts";

const ANY = { host: "127.0.0.1", port: 0 };

async function openPort(bounds = admission()): Promise<OpenPort> {
  const port = await OpenPort.open(ANY, bounds);
  if (!(port instanceof OpenPort)) throw new Error(port);
  onTestFinished(() => port.close());
  return port;
}

function listen(clock: FakeClock, arrived: (client: Client) => void) {
  const room = waitingRoom(clock);
  const listener = new Listener({
    keyPair: undefined,
    room,
    trusts: () => false,
    handshakeTimeout: () => 1000,
    arrived,
    tlsFailed: () => {},
    broken: (socket) => socket.destroy(),
  });
  return { listener, room };
}

/** Answers each connection with its name. */
const named = (name: string): { accept: (socket: Socket) => void } => ({
  accept: (socket) => socket.on("error", () => {}).end(name),
});

/** The name that the answering listener sends. */
async function answer(port: OpenPort): Promise<string> {
  const socket = connect({ port: port.number, host: "127.0.0.1" });
  let text = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await once(socket, "close");
  return text;
}

test("a client that left before the port leads to a listener is dropped when its turn comes, and nothing is kept of it", async () => {
  const bounds = admission();
  const port = await openPort(bounds);
  const client = await RawClient.open(port.number);
  await until("it has come in", () => bounds.descriptors.used === 1);
  client.socket.resetAndDestroy();
  await until("it is closed", () => client.closed);
  const arrived: Client[] = [];
  const { listener, room } = listen(new FakeClock(), (it) => arrived.push(it));
  port.leadTo(listener);
  await until("its descriptor is free", () => bounds.descriptors.used === 0);
  expect([arrived, room.reading, room.unread]).toEqual([[], 0, 0]);
});

test("connections beyond the descriptors are closed as they come and counted; those that were taken stay", async () => {
  const bounds = admission(undefined, 8);
  const port = await openPort(bounds);
  port.leadTo({ accept: () => {} });
  const taken = await Promise.all(Array.from({ length: 8 }, () => RawClient.open(port.number)));
  await until("they came in", () => bounds.descriptors.used === 8);
  const more = await Promise.all(Array.from({ length: 3 }, () => RawClient.open(port.number)));
  await until("they are closed", () => more.every(({ closed, ended }) => closed || ended));
  expect(taken.some(({ closed, ended }) => closed || ended)).toBe(false);
  const text = await bounds.metrics.registry.getSingleMetricAsString("wsproxy_evicted_sockets_total");
  expect(text).toContain('wsproxy_evicted_sockets_total{reason="Descriptors"} 3');
  for (const { socket } of [...taken, ...more]) socket.destroy();
});

test("connections go to the listener that the port leads to, and none is refused when that changes", async () => {
  const [one, two] = await Promise.all([openPort(), openPort()]);
  one.leadTo(named("a"));
  two.leadTo(named("b"));
  expect([await answer(one), await answer(two)]).toEqual(["a", "b"]);
  const many = Array.from({ length: 100 }, () => answer(one));
  one.leadTo(named("b"));
  two.leadTo(named("a"));
  for (const each of await Promise.all(many)) expect(each).toMatch(/^[ab]$/);
  expect([await answer(one), await answer(two)]).toEqual(["b", "a"]);
});

test("a client that connects before the port leads to a listener is served then, with all that it sent", async () => {
  const port = await openPort();
  const client = await RawClient.send(port.number, `${request({ target: "/early" })}more`);
  const arrived: Client[] = [];
  const { listener } = listen(new FakeClock(), (it) => arrived.push(it));
  await answerNothing(port);
  port.leadTo(listener);
  await until("it arrived", () => arrived.length === 1);
  expect(arrived[0]?.arrival.target).toBe("/early");
  expect(arrived[0]?.early.toString()).toBe("more");
  client.socket.destroy();
});

/** Opens a connection that is not answered. When this resolves it has come in, and so have those before it. */
async function answerNothing(port: OpenPort): Promise<void> {
  const last = await RawClient.open(port.number);
  await new Promise((resolve) => setImmediate(resolve));
  last.socket.destroy();
}

test("after close no client gets in, and sockets that were not served yet are closed", async () => {
  const port = await openPort();
  const early = await RawClient.open(port.number);
  await answerNothing(port);
  port.close();
  await until("it was closed", () => early.closed || early.ended);
  const socket = connect({ port: port.number, host: "127.0.0.1" });
  const [error] = (await once(socket, "error")) as [NodeJS.ErrnoException];
  expect(error.code).toBe("ECONNREFUSED");
});

test("a port that is taken or that cannot be opened is a message in plain words", async () => {
  const other = createServer().listen(ANY);
  await once(other, "listening");
  onTestFinished(() => void other.close());
  const { port } = other.address() as { port: number };
  expect(await OpenPort.open({ host: "127.0.0.1", port }, admission())).toBe(
    `port ${port} on 127.0.0.1 is in use by another process; end that one, or change spec.listener.port`,
  );
  expect(await OpenPort.open({ host: "192.0.2.1", port: 0 }, admission())).toMatch(
    /^port 0 on 192\.0\.2\.1 cannot be opened: /,
  );
});
