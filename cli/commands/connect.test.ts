import { createServer, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { WsBackend } from "../../test/fakes/backends.ts";
import { keyPair } from "../../test/fakes/certificates.ts";
import { freePort, Program, ran } from "../../test/fakes/program.ts";
import type { WebSocket } from "ws";

async function backend(answer?: (socket: WebSocket) => void): Promise<{ url: string; backend: WsBackend }> {
  const server = await new WsBackend(answer).open();
  onTestFinished(() => server.close());
  return { url: `ws://127.0.0.1:${server.port}/`, backend: server };
}

/** A server that refuses every handshake. */
async function refusing(head: string, body: string): Promise<string> {
  const server: Server = createServer();
  server.on("upgrade", (_request, socket) => {
    socket.on("error", () => {});
    socket.end(`HTTP/1.1 ${head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

test("what a pipe says is sent, the answers are printed, and a normal close ends it with 0", async () => {
  const { url } = await backend();
  const program = new Program(["connect", url, "--wait", "300ms"]);
  program.write("one\ntwo\n");
  program.write("three, without an end of line");
  program.endInput();
  expect(await program.exit()).toBe(0);
  expect(program.stdout).toBe("one\ntwo\nthree, without an end of line\n");
  expect(program.stderr).toBe("connected\nclosed: 1000\n");
});

test("answers that are late, but not later than --wait, are waited for", async () => {
  const { url } = await backend((socket) => {
    socket.on("message", () => {
      setTimeout(() => socket.send("first"), 400);
      setTimeout(() => socket.send("second"), 800);
    });
  });
  const program = new Program(["connect", url, "--wait", "3s"]);
  program.write("ask\n");
  program.endInput();
  expect(await program.exit()).toBe(0);
  expect(program.stdout).toBe("first\nsecond\n");
});

test("key, headers and subprotocols are part of the handshake", async () => {
  let headers: NodeJS.Dict<string | string[]> = {};
  const { url, backend: server } = await backend();
  server.server.on("connection", (_socket, request) => (headers = request.headers));
  const offer = ["-k", "the-key", "-H", "x-a: 1", "--header", "x-b:  two words ", "-s", "chat.v2", "-s", "chat.v1"];
  const program = await ran("connect", url, "--wait", "0s", ...offer);
  expect(program.ended).toBe(0);
  expect(headers).toMatchObject({ "x-api-key": "the-key", "x-a": "1", "x-b": "two words" });
  expect(headers["sec-websocket-protocol"]).toBe("chat.v2,chat.v1");
  expect(program.stderr).toContain("connected, subprotocol chat.v2\n");
});

/** A backend behind a server that answers its first handshakes with these heads. */
async function busy(...heads: string[]): Promise<string> {
  const { url, backend: behind } = await backend();
  const server = createServer();
  server.on("upgrade", (request, socket, head) => {
    const answer = heads.shift();
    if (answer === undefined) {
      behind.server.handleUpgrade(request, socket, head, (it) => behind.server.emit("connection", it, request));
      return;
    }
    socket.end(`HTTP/1.1 ${answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return url.replace(/:\d+/, `:${(server.address() as AddressInfo).port}`);
}

test("with --retry a 503 is asked again after its Retry-After, and no line of the input is lost", async () => {
  const url = await busy("503 Service Unavailable\r\nretry-after: 1", "503 Service Unavailable\r\nretry-after: 0");
  const program = new Program(["connect", url, "--retry", "30s", "--wait", "300ms"]);
  program.write("one\ntwo\n");
  program.endInput();
  expect(await program.exit()).toBe(0);
  expect(program.stdout).toBe("one\ntwo\n");
  expect(program.stderr.match(/^refused: 503|^connected/gm)).toEqual(["refused: 503", "refused: 503", "connected"]);
});

test.each([
  ["503 Service Unavailable\r\nretry-after: 60", "30s"],
  ["503 Service Unavailable\r\nretry-after: 1", "0s"],
  ["401 Unauthorized\r\nretry-after: 0", "30s"],
])("an answer %j is not asked again with --retry %s", async (head, retry) => {
  const program = await ran("connect", await busy(head), "--retry", retry);
  expect([program.ended, program.stdout]).toEqual([1, ""]);
  expect(program.stderr).toMatch(/^refused: [^\n]*\n$/);
});

test("a signal ends the wait for the next attempt", async () => {
  const program = new Program(["connect", await busy("503 Service Unavailable\r\nretry-after: 60"), "--retry", "5m"]);
  await program.says("refused: 503");
  program.signal("SIGTERM");
  expect(await program.exit()).toBe(1);
});

test("a refusal is said with its status and reason, and ends with 1", async () => {
  const problem = JSON.stringify({
    reason: "AttemptLimit",
    title: "Too Many Requests",
    detail: "Too many\u001b[2J attempts",
    requestId: "r-1",
  });
  const url = await refusing(
    "429 Too Many Requests\r\nretry-after: 7\r\ncontent-type: application/problem+json",
    problem,
  );
  const program = await ran("connect", url);
  expect([program.ended, program.stdout]).toEqual([1, ""]);
  expect(program.stderr).toBe(
    "refused: 429 Too Many Requests: AttemptLimit, Too many\uFFFD[2J attempts; retry after 7 s; request r-1\n",
  );
});

test.each([
  ["text/html", "<h1>no</h1>", "refused: 403 Forbidden\n"],
  ["text/plain", "go away\n", "refused: 403 Forbidden: go away\n"],
  ["application/problem+json", "{broken", "refused: 403 Forbidden\n"],
])("a refusal with a body of %s is said as far as it makes sense", async (type, body, words) => {
  const program = await ran("connect", await refusing(`403 Forbidden\r\ncontent-type: ${type}`, body));
  expect([program.ended, program.stderr]).toEqual([1, words]);
});

test("the other end's close is said with code and reason, and ends with 1 unless it is a normal one", async () => {
  const closing = (code: number, reason: string): ReturnType<typeof backend> =>
    backend((socket) => socket.close(code, reason));
  const revoked = new Program(["connect", (await closing(3000, "CredentialRevoked")).url]);
  expect(await revoked.exit()).toBe(1);
  expect(revoked.stderr).toBe("connected\nclosed: 3000 CredentialRevoked\n");
  const normal = new Program(["connect", (await closing(1001, "bye")).url]);
  expect(await normal.exit()).toBe(0);
  const vanished = new Program(["connect", (await backend((socket) => socket.terminate())).url]);
  expect(await vanished.exit()).toBe(1);
  expect(vanished.stderr).toContain("closed without a Close frame (1006)");
});

test("binary messages are described", async () => {
  const { url } = await backend((socket) => socket.send(Buffer.from([0, 1, 0xff])));
  const program = await ran("connect", url, "--wait", "300ms");
  expect(program.stdout).toBe("(binary, 3 bytes) 0001ff\n");
});

test("where no server listens it says so, and ends with 1", async () => {
  const program = await ran("connect", `ws://127.0.0.1:${await freePort()}/`);
  expect(program.ended).toBe(1);
  expect(program.stderr).toMatch(/^failed: .*ECONNREFUSED/);
});

test("of a certificate that no known authority signed it says how to trust it", async () => {
  const { certificate, privateKey } = await keyPair();
  const server = createTlsServer({ cert: certificate, key: privateKey });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const program = await ran("connect", `wss://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  expect(program.ended).toBe(1);
  expect(program.stderr).toMatch(/^failed: the server's certificate is not trusted .*NODE_EXTRA_CA_CERTS/);
});

test("Ctrl-C closes the connection, and the other end is told", async () => {
  let code = 0;
  const { url } = await backend((socket) => socket.on("close", (given) => (code = given)));
  const program = new Program(["connect", url]);
  await program.says("connected");
  program.signal("SIGINT");
  expect(await program.exit()).toBe(0);
  expect(code).toBe(1000);
});
