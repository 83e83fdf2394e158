import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { tooMuchInEachRound } from "../../test/fakes/rounds.ts";
import { until } from "../../test/fakes/sockets.ts";
import { closedEndpoint, openEndpoint, type AdminAnswer, type AdminClient } from "./admin-endpoint.ts";
import { AdminGate } from "./admin-gate.ts";
import { adminServer, type AdminServer } from "./admin-server.ts";

const OK: AdminAnswer = { status: 200, contentType: "text/plain", body: "ok" };
const TOKEN = "a-token-of-enough-characters";
let admin: AdminServer;
let asked: AdminClient[];
let answer: () => void;
const sockets: Socket[] = [];

beforeEach(async () => {
  asked = [];
  const over = new Promise<void>((resolve) => (answer = resolve));
  const wait = openEndpoint(async (_, client) => {
    asked.push(client);
    await over;
    return OK;
  });
  const stuck = openEndpoint(() => new Promise<AdminAnswer>(() => {}));
  const gate = new AdminGate();
  gate.use(TOKEN);
  const post = { ...closedEndpoint(() => OK), method: "POST" as const };
  admin = await adminServer(
    { "/wait": { ...wait, waits: true }, "/ok": openEndpoint(() => OK), "/stuck": stuck, "/act": post },
    "127.0.0.1",
    0,
    {
      gate,
    },
  );
});
afterEach(async () => {
  answer();
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

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
/** What comes next on a connection; empty: its end. */
const next = (socket: Socket): Promise<string> =>
  Promise.race([once(socket, "data").then(([chunk]) => String(chunk)), once(socket, "close").then(() => "")]);

test("P2 a connection that waits for a long answer makes no room for a crowd that comes meanwhile", async () => {
  const waiting = await connected(get("/wait"));
  await until("it waits", () => asked.length === 1);
  const answered = next(waiting);
  for (let more = 0; more < 600; more += 1) await connected(more % 2 === 0 ? get("/ok") : "");
  expect(await next(await connected(get("/ok")))).toMatch(/^HTTP\/1\.1 200 /);
  expect(asked[0]?.gone.aborted).toBe(false);
  answer();
  expect(await answered).toMatch(/^HTTP\/1\.1 200 /);
});

test("no time-out of the port ends a request that waits for its answer", async () => {
  const waiting = await connected(get("/wait"));
  const answered = next(waiting);
  await sleep(12_000); // the time for a request is 10 s, and is looked at each second
  expect(asked[0]?.gone.aborted).toBe(false);
  answer();
  expect(await answered).toMatch(/^HTTP\/1\.1 200 /);
});

test("connections are bounded where a long answer is made and waits behind one that the client does not read", async () => {
  answer();
  for (let more = 0; more < 300; more += 1) await connected(get("/stuck") + get("/wait"));
  await until("all have asked", () => asked.length === 300);
  expect(await next(await connected(get("/ok")))).toMatch(/^HTTP\/1\.1 200 /);
  expect(asked.filter(({ gone }) => !gone.aborted).length).toBeLessThanOrEqual(256);
});

test("after its long answer a connection is one of many again", async () => {
  const waiting = await connected(get("/wait"));
  const answered = next(waiting);
  answer();
  expect(await answered).toMatch(/^HTTP\/1\.1 200 /);
  const gone = once(waiting, "close");
  for (let more = 0; more < 256; more += 1) await connected();
  await gone;
});

test.each([
  ["leaves", (socket: Socket) => void socket.end()],
  ["resets", (socket: Socket) => void socket.resetAndDestroy()],
])("a client that %s while it waits is told of, with all that it asked at once", async (_, leave) => {
  const waiting = await connected(get("/wait").repeat(3));
  await until("all wait", () => asked.length === 3);
  expect(asked.every(({ address, gone }) => address === "127.0.0.1" && !gone.aborted)).toBe(true);
  leave(waiting);
  await until("all are gone", () => asked.every(({ gone }) => gone.aborted));
});

test("a port that closes sends the answers under way first, and waits no longer than a second for them", async () => {
  const waiting = await connected(get("/wait").repeat(2));
  await until("both wait", () => asked.length === 2);
  let text = "";
  waiting.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const closed = admin.close();
  answer();
  await closed;
  await until("both are answered", () => text.split("HTTP/1.1 200").length === 3);

  const closing = async (): Promise<{ took: number }> => {
    let waits = false;
    const wait = openEndpoint(() => {
      waits = true;
      return new Promise<AdminAnswer>(() => {});
    });
    const never = await adminServer({ "/wait": wait }, "127.0.0.1", 0);
    const socket = connect(never.port, "127.0.0.1", () => socket.write(get("/wait")));
    sockets.push(socket);
    socket.on("error", () => {});
    await until("it waits", () => waits);
    const start = performance.now();
    await never.close();
    const took = performance.now() - start;
    expect(took).toBeGreaterThan(900);
    return { took };
  };
  expect(await tooMuchInEachRound({ took: 2000 }, closing)).toEqual({});
});

test("an endpoint that changes something takes POST alone, and asks for the token", async () => {
  const ask = async (method: string, headers: Record<string, string> = {}): Promise<unknown[]> => {
    const response = await fetch(`http://127.0.0.1:${admin.port}/act`, { method, headers });
    return [response.status, response.headers.get("allow")];
  };
  const authorization = `Bearer ${TOKEN}`;
  expect(await ask("POST", { authorization })).toEqual([200, null]);
  expect(await ask("POST")).toEqual([401, null]);
  expect(await ask("POST", { authorization, origin: "http://evil.test" })).toEqual([403, null]);
  for (const method of ["GET", "HEAD", "PUT", "DELETE"]) {
    expect([method, ...(await ask(method, { authorization }))]).toEqual([method, 405, "POST"]);
  }
});

test("a POST with a body acts by its query alone; the body is read by nothing, and is no request", async () => {
  const head = `POST /act HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${TOKEN}\r\n`;
  const body = `${head}\r\n`;
  for (const more of [`Content-Length: ${body.length}\r\n\r\n`, "Content-Length: 1000000000\r\n\r\n"]) {
    const socket = await connected(head + more + body);
    let text = "";
    socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
    await once(socket, "close");
    expect(text).toMatch(/^HTTP\/1\.1 200 [^]*connection: close\r\n[^]*\r\n\r\nok$/i);
  }
  const chunked = await connected(`${head}Transfer-Encoding: chunked\r\n\r\n5\r\nabc`);
  expect(await next(chunked)).toMatch(/^HTTP\/1\.1 200 /);
});
