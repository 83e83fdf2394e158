import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { until } from "../../test/fakes/sockets.ts";
import { startSampleBackend, type SampleBackend } from "./server.ts";

/** A gateway that says what it is told, and keeps what it was asked. */
let gateway: Server;
let asked: string[];
let sockets: Socket[];
let answer: string;
let clock: FakeClock;
let backend: SampleBackend;

beforeEach(async () => {
  asked = [];
  sockets = [];
  answer = problem(401, "CredentialMissing", "A credential is required");
  gateway = createServer((socket) => {
    sockets.push(socket.on("error", () => {}));
    socket.once("data", (head) => {
      asked.push(head.toString());
      socket.write(answer);
    });
  });
  gateway.listen(0, "127.0.0.1");
  await once(gateway, "listening");
  clock = new FakeClock();
  backend = await startSampleBackend({
    address: "127.0.0.1",
    port: 0,
    name: "pod",
    signal: new AbortController().signal,
    gateway: `ws://127.0.0.1:${(gateway.address() as AddressInfo).port}/chat`,
    clock,
  });
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  gateway.close();
  await backend.close();
});

function problem(status: number, reason: string, detail: string, more = ""): string {
  const body = JSON.stringify({ type: "about:blank", title: "a phrase", status, reason, detail });
  return `HTTP/1.1 ${status} X\r\ncontent-type: application/problem+json\r\ncontent-length: ${body.length}\r\n${more}Connection: close\r\n\r\n${body}`;
}

interface Said {
  readonly status: number;
  readonly body: string;
}

/** Asks as the page does, unless told otherwise. */
async function ask(body: unknown, headers: Record<string, string> = {}): Promise<Said> {
  const host = `127.0.0.1:${backend.port}`;
  const all = { host, origin: `http://${host}`, "content-type": "application/json", ...headers };
  const outgoing = httpRequest({ port: backend.port, path: "/probe", method: "POST", headers: all });
  outgoing.end(typeof body === "string" ? body : JSON.stringify(body));
  const [response] = (await once(outgoing, "response")) as [IncomingMessage];
  let text = "";
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode ?? 0, body: text };
}

const finding = async (question: unknown): Promise<unknown> => JSON.parse((await ask(question)).body);

test("the handshake is repeated as the page made it, and the refusal told", async () => {
  const question = { target: "/chat?apikey=a%20b", protocols: ["wsproxy", "wsproxy.key.YQ"] };
  expect(await finding(question)).toEqual({
    status: 401,
    reason: "CredentialMissing",
    detail: "A credential is required",
  });
  expect(asked[0]).toMatch(/^GET \/chat\?apikey=a%20b HTTP\/1\.1\r\n/);
  expect(asked[0]).toContain("\r\nSec-WebSocket-Protocol: wsproxy,wsproxy.key.YQ\r\n");
  expect(asked[0]).toContain(`\r\nOrigin: http://127.0.0.1:${backend.port}\r\n`);
});

test("a limit's Retry-After is told too", async () => {
  answer = problem(429, "AttemptLimit", "Too many handshakes", "retry-after: 7\r\n");
  expect(await finding({ target: "/chat", protocols: [] })).toMatchObject({ status: 429, retryAfter: "7" });
});

test.each([
  ["a status alone", "HTTP/1.1 403 X\r\ncontent-length: 6\r\n\r\nsecret", { status: 403 }],
  ["a redirect, which is not followed", "HTTP/1.1 302 X\r\nlocation: ws://127.0.0.1:1/\r\n\r\n", { status: 302 }],
  [
    "a problem without a reason",
    "HTTP/1.1 500 X\r\ncontent-type: application/problem+json\r\ncontent-length: 2\r\n\r\n{}",
    { status: 500 },
  ],
  ["what is not HTTP", "SSH-2.0-x\r\n\r\n", { problem: expect.stringContaining("Parse Error") }],
])("of other answers: %s", async (_, given, expected) => {
  answer = given;
  expect(await finding({ target: "/chat", protocols: [] })).toEqual(expected);
});

test("a gateway that says nothing is given up after 5 s", async () => {
  answer = "";
  const found = finding({ target: "/chat", protocols: [] });
  await until("the gateway was asked", () => asked.length === 1);
  clock.advance(4999);
  expect(sockets[0]?.destroyed).toBe(false);
  clock.advance(1);
  expect(await found).toEqual({ problem: "no answer within 5 s" });
  expect(clock.pending).toBe(0);
});

test("no more than four ask at a time", async () => {
  answer = "";
  const four = Array.from({ length: 4 }, () => finding({ target: "/chat", protocols: [] }));
  await until("four were asked", () => asked.length === 4);
  expect(await finding({ target: "/chat", protocols: [] })).toEqual({
    problem: "the sample backend is busy asking for others",
  });
  clock.advance(5000);
  await Promise.all(four);
  answer = problem(401, "CredentialMissing", "A credential is required");
  expect(await finding({ target: "/chat", protocols: [] })).toMatchObject({ status: 401 });
});

test("no gateway at all is said so", async () => {
  gateway.close();
  await once(gateway, "close");
  expect(await finding({ target: "/chat", protocols: [] })).toEqual({
    problem: expect.stringContaining("ECONNREFUSED"),
  });
});

test.each([
  ["no Origin", { origin: "" }],
  ["a page of another site", { origin: "https://evil.test" }],
  ["Origin null", { origin: "null" }],
  ["another port", { origin: "http://127.0.0.1:1" }],
  ["a name that points here", { host: "evil.test:9000", origin: "http://evil.test:9000" }],
  ["a name that begins as ours", { host: "localhost.evil.test", origin: "http://localhost.evil.test" }],
])("strangers are turned away: %s", async (_, headers) => {
  expect((await ask({ target: "/chat", protocols: [] }, headers)).status).toBe(403);
  expect(asked).toEqual([]);
});

test("localhost is a name of ours", async () => {
  const host = `localhost:${backend.port}`;
  const { status } = await ask({ target: "/chat", protocols: [] }, { host, origin: `http://${host}` });
  expect(status).toBe(200);
});

test("what a form can send without asking first is not taken", async () => {
  expect((await ask({ target: "/chat", protocols: [] }, { "content-type": "text/plain" })).status).toBe(415);
  expect(asked).toEqual([]);
});

test.each<[string, unknown]>([
  ["no JSON", "{"],
  ["null", null],
  ["no target", { protocols: [] }],
  ["an absolute target", { target: "http://127.0.0.1:1/", protocols: [] }],
  ["what would become part of the authority", { target: "@evil.test/", protocols: [] }],
  ["a port", { target: ":1/", protocols: [] }],
  ["a fragment", { target: "/chat#x", protocols: [] }],
  ["a line break", { target: "/chat\r\nx: y", protocols: [] }],
  ["a space", { target: "/a b", protocols: [] }],
  ["no protocols", { target: "/chat" }],
  ["a protocol that is none", { target: "/chat", protocols: ["a b"] }],
  ["a protocol that is no text", { target: "/chat", protocols: [1] }],
  ["a protocol twice", { target: "/chat", protocols: ["a", "a"] }],
  ["too much", { target: `/${"x".repeat(17_000)}`, protocols: [] }],
])("a question that cannot be asked is a 400: %s", async (_, question) => {
  expect((await ask(question)).status).toBe(400);
  expect(asked).toEqual([]);
});

test.each(["//evil.test/x", "/\\evil.test/", "/..//evil.test/", "/@evil.test:1/"])(
  "%s is requested from the gateway and from no other server",
  async (target) => {
    expect(await finding({ target, protocols: [] })).toMatchObject({ status: 401 });
    expect(asked).toHaveLength(1);
  },
);
