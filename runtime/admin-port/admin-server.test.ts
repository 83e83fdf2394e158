import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ipv6 } from "../../test/fakes/ipv6.ts";
import { FakeClock } from "../../test/fakes/clock.ts";
import { until } from "../../test/fakes/sockets.ts";
import { closedEndpoint, openEndpoint } from "./admin-endpoint.ts";
import { AdminGate } from "./admin-gate.ts";
import { adminServer, type AdminServer } from "./admin-server.ts";

const OK = openEndpoint(() => ({ status: 200, contentType: "text/plain", body: "ok" }));
let admin: AdminServer;
const sockets: Socket[] = [];

beforeEach(async () => {
  admin = await adminServer({ "/healthz": OK }, "127.0.0.1", 0);
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await admin.close();
});

async function connected(first = ""): Promise<Socket> {
  const socket = connect(admin.port, "127.0.0.1");
  sockets.push(socket);
  socket.on("error", () => {});
  await once(socket, "connect");
  socket.write(first);
  return socket;
}

async function healthy(socket: Socket): Promise<boolean> {
  const gone = once(socket, "close").then(() => "");
  socket.write("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
  const answer = await Promise.race([once(socket, "data").then(([chunk]) => String(chunk)), gone]);
  return answer.startsWith("HTTP/1.1 200");
}

test.each([
  ["say nothing", ""],
  ["do not end their request", "GET /metrics HTTP/1.1\r\nHost: a"],
  ["keep their connection after an answer", "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"],
])("a probe is answered beside more connections than there is room for that %s", async (_, first) => {
  const idle: Socket[] = [];
  while (idle.length < 300) idle.push(await connected(first));
  expect(await healthy(await connected())).toBe(true);
});

test("many that ask a closed endpoint at once do not keep a probe waiting", async () => {
  const gate = new AdminGate();
  gate.use("sixteen-letters-");
  let told = 0;
  const long = closedEndpoint(() => {
    for (const end = performance.now() + 5; performance.now() < end;); // as long as a page of thousands may take
    told += 1;
    return { status: 200, contentType: "text/plain", body: "ok" };
  });
  let toldBefore = 0;
  const probe = openEndpoint(() => {
    toldBefore = told;
    return { status: 200, contentType: "text/plain", body: "ok" };
  });
  const busy = await adminServer({ "/long": long, "/healthz": probe }, "127.0.0.1", 0, { gate });
  const ask = `GET /long HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer sixteen-letters-\r\n\r\n`;
  for (let one = 0; one < 201; one += 1) {
    const socket = connect(busy.port, "127.0.0.1").on("error", () => {});
    sockets.push(socket);
    await once(socket, "connect");
  }
  const [prober, ...crowd] = sockets;
  for (const socket of crowd) socket.write(ask);
  await until("the first is told", () => told > 0);
  expect(prober === undefined || (await healthy(prober))).toBe(true);
  expect(toldBefore).toBeLessThan(100);
  await until("all are told", () => told === 200);
  await busy.close();
});

test.skipIf(!ipv6)("on :: a probe is answered over either address family", async () => {
  const everywhere = await adminServer({ "/healthz": OK }, "::", 0);
  for (const host of ["[::1]", "127.0.0.1"]) {
    const { status } = await fetch(`http://${host}:${everywhere.port}/healthz`);
    expect([host, status]).toEqual([host, 200]);
  }
  expect(everywhere.address).toBe("::");
  await everywhere.close();
});

test("a port that is taken is named with its address, and with what to do", async () => {
  await expect(adminServer({}, "127.0.0.1", admin.port)).rejects.toThrow(
    `admin port ${admin.port} on 127.0.0.1 is in use by another process; choose another with --admin-port`,
  );
});

test("the connection that was used longest ago makes room for a new one", async () => {
  const [first, used] = [await connected(), await connected()];
  const gone = once(first, "close");
  for (let more = 2; more < 256; more += 1) await connected();
  expect(await healthy(used)).toBe(true);
  await connected();
  await gone;
  expect(await healthy(used)).toBe(true);
});

test("a request that does not end is answered 408 after 10 s", async () => {
  const start = performance.now();
  const [slow, silent] = [await connected("GET /healthz HTTP/1.1\r\nHost: a"), await connected()];
  const answers = [slow, silent].map(async (socket) => String(((await once(socket, "data")) as [Buffer])[0]));
  for (const answer of await Promise.all(answers)) expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  expect(performance.now() - start).toBeGreaterThan(9900);
  expect(performance.now() - start).toBeLessThan(15_000);
});

test("a request head of more than 8 KiB is answered 431", async () => {
  const socket = await connected();
  const answer = once(socket, "data");
  socket.write(`GET /healthz HTTP/1.1\r\nHost: a\r\nX-Large: ${"x".repeat(8192)}\r\n\r\n`);
  expect(String(((await answer) as [Buffer])[0])).toMatch(/^HTTP\/1\.1 431 /);
  const fits = await connected();
  fits.write(`GET /healthz HTTP/1.1\r\nHost: a\r\nX-Large: ${"x".repeat(7000)}\r\n\r\n`);
  expect(String(((await once(fits, "data")) as [Buffer])[0])).toMatch(/^HTTP\/1\.1 200 /);
});

test("a client that does not take its answer is cut off after ten seconds, and one that does keeps its connection", async () => {
  const clock = new FakeClock();
  const large = openEndpoint(() => ({ status: 200, contentType: "text/plain", body: Buffer.alloc(32_000_000) }));
  const slow = await adminServer({ "/large": large, "/healthz": OK }, "127.0.0.1", 0, { clock });
  const open = async (path: string): Promise<Socket> => {
    const socket = connect(slow.port, "127.0.0.1");
    sockets.push(socket);
    socket.on("error", () => {});
    socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await once(socket, "readable");
    return socket;
  };
  const [reader, sluggard] = [await open("/healthz"), await open("/large")];
  clock.advance(9999);
  expect([reader.destroyed, sluggard.destroyed]).toEqual([false, false]);
  const gone = once(sluggard, "close");
  clock.advance(1);
  sluggard.resume();
  await gone;
  expect(sluggard.bytesRead).toBeLessThan(32_000_000);
  expect(reader.destroyed).toBe(false);
  await slow.close();
});

test.each([
  ["a GET", "GET", 200],
  ["a POST", "POST", 405],
])("the body of %s is not read to its end: the answer comes, and the connection closes", async (_, method, status) => {
  const socket = await connected(`${method} /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\nabc`);
  const gone = once(socket, "close");
  const [answer] = (await once(socket, "data")) as [Buffer];
  expect(answer.toString()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [^]*connection: close`, "i"));
  await gone;
});

test("eight requests in one packet are answered in order, and a hundred one after the other", async () => {
  const socket = await connected("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n".repeat(8));
  let text = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const answered = (): number => text.split("HTTP/1.1 200").length - 1;
  await until("all are answered", () => answered() === 8);
  for (let more = 9; more <= 100; more += 1) {
    socket.write("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    await until("it is answered", () => answered() === more);
  }
});

test("a connection with a crowd of requests ahead of their answers is closed, and no endpoint hears of the rest", async () => {
  let heard = 0;
  const counting = openEndpoint(async () => {
    heard += 1;
    await new Promise((resolve) => setImmediate(resolve));
    return { status: 200, contentType: "text/plain", body: "ok" };
  });
  const crowded = await adminServer({ "/x": counting }, "127.0.0.1", 0);
  const socket = connect(crowded.port, "127.0.0.1");
  sockets.push(socket);
  socket.on("error", () => {});
  socket.resume();
  socket.write("GET /x HTTP/1.1\r\nHost: a\r\n\r\n".repeat(2000));
  await once(socket, "close");
  expect(heard).toBe(8);
  await crowded.close();
});
