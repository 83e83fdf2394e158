import { createHash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RawClient, request, WsClient } from "../../test/fakes/clients.ts";
import { FakeClock } from "../../test/fakes/clock.ts";
import { text } from "../../test/fakes/frames.ts";
import { until } from "../../test/fakes/sockets.ts";
import { startSampleBackend, type SampleBackend } from "./server.ts";

let clock: FakeClock;
let stop: AbortController;
let backend: SampleBackend;

beforeEach(async () => {
  clock = new FakeClock();
  stop = new AbortController();
  const options = { address: "127.0.0.1", port: 0, name: "pod-1", signal: stop.signal, clock };
  backend = await startSampleBackend(options);
});

afterEach(async () => {
  const closed = backend.close();
  clock.advance(2000);
  await closed;
});

const url = (path = "/"): string => `ws://127.0.0.1:${backend.port}${path}`;
const open = (path = "/", protocols: string[] = []): Promise<WsClient> => WsClient.open(url(path), protocols);

/** A plain request with its target exactly as given. */
async function plain(method: string, target: string): ReturnType<RawClient["answer"]> {
  const client = await RawClient.send(
    backend.port,
    `${method} ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`,
  );
  return client.answer();
}

test.each(["/", "/chat?a=1", "/deep/er", "/settings"])(
  "text comes back as text, binary as binary, at %s",
  async (path) => {
    const client = await open(path);
    client.socket.send("grüße");
    client.socket.send(Buffer.from([0xff, 0, 1]));
    client.socket.send("");
    await client.message(3);
    expect(client.messages).toEqual([
      { data: Buffer.from("grüße"), binary: false },
      { data: Buffer.from([0xff, 0, 1]), binary: true },
      { data: Buffer.alloc(0), binary: false },
    ]);
  },
);

test("a message of 16 MiB comes back whole", async () => {
  const message = randomBytes(16 * 1024 * 1024);
  const client = await open();
  client.socket.send(message);
  await until("the echo came", () => client.messages.length === 1);
  const digest = (data: Buffer | undefined): string =>
    createHash("sha256")
      .update(data ?? "")
      .digest("hex");
  expect(digest(client.messages[0]?.data)).toBe(digest(message));
});

test("/headers begins with the handshake's headers, in order and as they came", async () => {
  const client = await RawClient.send(backend.port, request({ target: "/headers?x", headers: { "X-a": ["1", "2"] } }));
  await until("a message came", () => client.payload.length > 0);
  const fields = [
    ["Host", "a.test"],
    ["Connection", "Upgrade"],
    ["Upgrade", "websocket"],
    ["Sec-WebSocket-Version", "13"],
    ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
    ["X-a", "1"],
    ["X-a", "2"],
  ];
  const expected = text(JSON.stringify(fields));
  await until("the whole message came", () => client.payload.length >= expected.length);
  expect(client.payload.equals(expected)).toBe(true);
  client.socket.destroy();
});

test("/clock says the time each second until the client leaves", async () => {
  const client = await open("/clock");
  clock.advance(999);
  client.socket.send("between");
  expect(await client.message(1)).toBe("between");
  clock.advance(1);
  clock.advance(1000);
  expect(await client.message(2)).toBe("2026-01-01T00:00:01.000Z");
  expect(await client.message(3)).toBe("2026-01-01T00:00:02.000Z");
  client.socket.terminate();
  await until("no timer is left", () => clock.pending === 0);
});

test("it says which pod it is, in a header and at /name", async () => {
  const client = new WsClient(url("/name"));
  let header: string | string[] | undefined;
  client.socket.on("upgrade", (response) => (header = response.headers["x-sample-backend"]));
  expect(await client.message()).toBe("pod-1");
  expect(header).toBe("pod-1");
});

test("of the subprotocols offered it takes the first, and none of none", async () => {
  expect((await open("/", ["b", "a"])).socket.protocol).toBe("b");
  expect((await open("/")).socket.protocol).toBe("");
});

test("permessage-deflate is agreed on with a client that offers it", async () => {
  expect((await open()).socket.extensions).toMatch(/^permessage-deflate/);
  const without = await WsClient.open(url(), [], { perMessageDeflate: false });
  expect(without.socket.extensions).toBe("");
});

test.each([
  ["close 4001 good bye", 4001, "good bye"],
  ["close 1000", 1000, ""],
  ["close 1011 broken", 1011, "broken"],
])("'%s' is answered with that Close", async (command, code, reason) => {
  const client = await open();
  client.socket.send(command);
  expect(await client.close()).toEqual({ code, reason });
  expect(client.messages).toEqual([]);
});

test.each([
  "close 1005",
  "close 1006 x",
  "close 999",
  "close 5000",
  "close",
  "close 4001x",
  `close 4001 ${"é".repeat(62)}`,
])("'%s' asks for a Close that may not be sent, and comes back as any text", async (message) => {
  const client = await open();
  client.socket.send(message);
  expect(await client.message()).toBe(message);
});

test("a command in a binary message is no command", async () => {
  const client = await open();
  client.socket.send(Buffer.from("close 4001 x"));
  expect(await client.message()).toBe("close 4001 x");
});

test("a client's Close is answered with its own code and reason", async () => {
  const client = await open();
  client.socket.close(4002, "done");
  expect(await client.close()).toEqual({ code: 4002, reason: "done" });
});

test("the page and what it loads are there, under a strict policy", async () => {
  for (const [target, type] of [
    ["/", "text/html; charset=utf-8"],
    ["/?x=1", "text/html; charset=utf-8"],
    ["/page.js", "text/javascript; charset=utf-8"],
    ["/words.js", "text/javascript; charset=utf-8"],
    ["/page.css", "text/css; charset=utf-8"],
    ["/icon.svg", "image/svg+xml"],
  ] as const) {
    const { status, headers, body } = await plain("GET", target);
    expect([target, status, headers.get("content-type")]).toEqual([target, 200, type]);
    expect(headers.get("content-security-policy")).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("content-length")).toBe(String(Buffer.byteLength(body)));
  }
  const { body } = await plain("GET", "/settings");
  expect(JSON.parse(body)).toEqual({ name: "pod-1", gateway: "ws://127.0.0.1:8080/chat" });
});

test("HEAD gets what GET gets, without the body", async () => {
  const [get, head] = await Promise.all([plain("GET", "/page.js"), plain("HEAD", "/page.js")]);
  expect(head.status).toBe(200);
  expect(head.headers.get("content-length")).toBe(get.headers.get("content-length"));
  expect(head.body).toBe("");
});

test.each([
  "/chat",
  "/server.ts",
  "/page/index.html",
  "/index.html",
  "/../server.ts",
  "/..%2fserver.ts",
  "/%2e%2e/server.ts",
  "/page.js/../../server.ts",
  "/..\\server.ts",
  "//page.js",
  "/page.js%00",
  "/__proto__",
  "http://127.0.0.1/page.js",
])("there is nothing at %s", async (target) => {
  const { status, body } = await plain("GET", target);
  expect(status).toBe(404);
  expect(body).not.toContain("import");
});

test.each([
  ["POST", "/", "GET, HEAD"],
  ["DELETE", "/page.js", "GET, HEAD"],
  ["GET", "/probe", "POST"],
])("%s %s is answered with 405 and what is allowed", async (method, target, allowed) => {
  const { status, headers } = await plain(method, target);
  expect([status, headers.get("allow")]).toEqual([405, allowed]);
});

test("the page offers a key that the quickstart knows", async () => {
  const page = await plain("GET", "/");
  const key = /id="key"[^>]* value="([^"]+)"/s.exec(page.body)?.[1];
  const keys = await readFile(new URL("../quickstart/keys.yaml", import.meta.url), "utf8");
  expect(keys.split(/\s+/)).toContain(key);
});

describe("the end", () => {
  test("the signal says 1001 to every client, and nothing is left", async () => {
    const clients = await Promise.all([open(), open("/clock")]);
    stop.abort();
    const reason = "the sample backend is stopping";
    for (const client of clients) expect(await client.close()).toEqual({ code: 1001, reason });
    await backend.close();
    expect(clock.pending).toBe(0);
    await expect(open()).rejects.toThrow("refused");
  });

  test("a client that does not answer the Close is cut off after 2 s", async () => {
    const client = await RawClient.send(backend.port, request());
    await client.answer();
    let closed = false;
    const closing = backend.close().then(() => (closed = true));
    await until("the Close came", () => client.payload.length > 0);
    clock.advance(1999);
    await new Promise(setImmediate);
    expect(closed).toBe(false);
    clock.advance(1);
    await closing;
    await until("the client is cut off", () => client.ended || client.closed);
    client.socket.destroy();
  });

  test("a plain connection that is kept open does not hold it up", async () => {
    const client = await RawClient.send(backend.port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await until("the page came", () => client.answered);
    await backend.close();
    await until("the connection ended", () => client.ended || client.closed);
    client.socket.destroy();
  });
});

describe("the start", () => {
  const options = { address: "127.0.0.1", name: "pod-2", signal: new AbortController().signal };

  test("a port in use is named, with the way out", async () => {
    await expect(startSampleBackend({ ...options, port: backend.port })).rejects.toThrow(
      `port ${backend.port} on 127.0.0.1 is in use by another process; choose another with --port`,
    );
  });

  test("a name that would not fit into a header is refused", async () => {
    await expect(startSampleBackend({ ...options, port: 0, name: "a\r\nb: c" })).rejects.toThrow("name must be");
  });

  test("a gateway that is no WebSocket URL is refused", async () => {
    await expect(startSampleBackend({ ...options, port: 0, gateway: "http://127.0.0.1:8080" })).rejects.toThrow(
      "gateway must be a ws:// or wss:// URL",
    );
  });

  test("nothing stays open where the signal has been given already", async () => {
    const { port } = await startSampleBackend({ ...options, port: 0, signal: AbortSignal.abort() });
    await expect(WsClient.open(`ws://127.0.0.1:${port}/`)).rejects.toThrow("refused");
  });
});
