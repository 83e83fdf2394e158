import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { REPORT } from "../../api/report.ts";
import { systemClock, type Clock } from "../../runtime/clock.ts";
import { FakeClock } from "../../test/fakes/clock.ts";
import { ipv6 } from "../../test/fakes/ipv6.ts";
import { tooMuchInEachRound } from "../../test/fakes/rounds.ts";
import { askPods, type PodAnswer } from "./pod-report.ts";

const TOKEN = "a-token-of-enough-characters";
const NEVER = new AbortController().signal;

function ask(port: number, clock: Clock = systemClock, address = "127.0.0.1"): Promise<PodAnswer> {
  return askPods(port, clock)({ address, proxy: "test/proxy", token: TOKEN }, NEVER);
}

/** A pod that does what it likes with each connection. */
async function pod(behaviour: (socket: Socket) => void, address = "127.0.0.1"): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("data", () => behaviour(socket));
  }).listen(0, address);
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

const HEAD = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
const answering = (body: string, head = HEAD) =>
  pod((socket) => void socket.write(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`));
const reporting = (report: object, more: object = {}): Promise<number> =>
  answering(JSON.stringify({ proxies: [{ proxy: "test/proxy", ...report }], more: 0, ...more }));

test.skipIf(!ipv6)("a pod of an IPv6 cluster is asked at its address, by that address", async () => {
  const body = JSON.stringify({ proxies: [{ proxy: "test/proxy", hash: "h" }], more: 0 });
  let asked = "";
  const server = createServer((socket) => {
    socket.once("data", (chunk: Buffer) => {
      asked = chunk.toString();
      socket.end(`${HEAD}content-length: ${body.length}\r\n\r\n${body}`);
    });
  }).listen(0, "::1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  expect(await ask(port, systemClock, "::1")).toMatchObject({ report: { hash: "h" } });
  expect(asked).toContain(`\r\nhost: [::1]:${port}\r\nauthorization: Bearer ${TOKEN}\r\n`);
});

test("a newer data plane may say more, and have another word for what is wrong", async () => {
  const rejected = { hash: "h", stage: "weather", problems: ["rain"], since: 7 };
  const port = await reporting({ hash: "h", mood: "good", rejected }, { version: 2 });
  const report = { proxy: "test/proxy", hash: "h", rejected: { hash: "h", stage: "config", problems: ["rain"] } };
  expect(await ask(port)).toEqual({ kind: "report", report });
});

test("what a pod says stands on one line, without what a terminal would act on", async () => {
  const problems = ["a\r\nb\u001b[31mc\u202ed\u2028e"];
  const port = await reporting({ rejected: { hash: "h", stage: "listener", problems } });
  expect(await ask(port)).toMatchObject({ report: { rejected: { problems: ["a  b [31mc d e"] } } });
});

describe("a pod that gives", () => {
  const LONG = `its answer is longer than ${REPORT.largest} bytes`;
  const FORM = "its answer is not of the form of a report";
  const HTTP = "its answer is no HTTP, or has a head too long";

  test.each<[what: string, words: string, port: () => Promise<number>]>([
    ["16 MiB of empty objects", LONG, () => answering(`[${"{},".repeat(5_000_000)}{}]`)],
    ["as many brackets as fit", "its answer is not JSON", () => answering("[".repeat(REPORT.largest))],
    ["a list", FORM, () => answering("[{},{}]")],
    ["what data planes said before", FORM, () => answering('[{"proxy":"test/proxy","hash":"h"}]')],
    ["a number", FORM, () => answering("7")],
    ["null", FORM, () => answering("null")],
    ["HTML", "its answer is not JSON", () => answering("<html>", "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n")],
    ["JSON under another name", "its answer is not JSON", () => answering("{}", "HTTP/1.1 200 OK\r\n")],
    ["nothing", "its answer is not JSON", () => answering("")],
    ["a report of another proxy", "it does not tell of this proxy", () => reporting({ proxy: "test/another" })],
    ["a hash that is none", FORM, () => reporting({ hash: 7 })],
    ["a hash too long", FORM, () => reporting({ hash: "h".repeat(65) })],
    [
      "more problems than there may be",
      FORM,
      () => reporting({ rejected: { hash: "h", problems: Array(9).fill("x") } }),
    ],
    ["a generation beyond numbers", FORM, () => reporting({ generation: 1e300 })],
    [
      "a redirect",
      "it answers with status 302",
      () => answering("", "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\n"),
    ],
    ["a failure", "it answers with status 503", () => answering("", "HTTP/1.1 503 No\r\n")],
    [
      "another protocol",
      "it changes the protocol",
      () => pod((socket) => void socket.write("HTTP/1.1 101 Hi\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n")),
    ],
    ["no HTTP", HTTP, () => pod((socket) => void socket.write("SSH-2.0-OpenSSH_9.9\r\n"))],
    [
      "a head without end",
      HTTP,
      () => pod((socket) => void socket.write(`HTTP/1.1 200 OK\r\nx: ${"x".repeat(10_000)}`)),
    ],
    [
      "ten thousand header fields",
      HTTP,
      () => pod((socket) => void socket.write(`HTTP/1.1 200 OK\r\n${"a: b\r\n".repeat(10_000)}\r\n`)),
    ],
    [
      "an interim answer",
      "it gives interim answers",
      () => pod((socket) => void socket.write("HTTP/1.1 103 Early Hints\r\n\r\n")),
    ],
    [
      "interim answers without end",
      "it gives interim answers",
      () => pod(pouring("HTTP/1.1 100 Continue\r\n\r\n".repeat(1000))),
    ],
    [
      "a body without end",
      LONG,
      () => pod((socket) => (socket.write(`${HEAD}\r\n`), pouring("{".repeat(10_000))(socket))),
    ],
    [
      "chunks of one byte with long extensions",
      LONG,
      () =>
        pod(
          (socket) => (
            socket.write(`${HEAD}transfer-encoding: chunked\r\n\r\n`),
            pouring(`1;${"x".repeat(1000)}\r\n \r\n`.repeat(100))(socket)
          ),
        ),
    ],
  ])("%s gives no usable report, and words of ours", async (_, words, port) => {
    // However long this process takes to pour: the answer is judged by what it is.
    expect(await ask(await port(), new FakeClock())).toEqual({ kind: "nonsense", words });
  });

  test.each<[what: string, port: () => Promise<number>]>([
    ["no answer", () => pod(() => {})],
    ["no answer but an end", () => pod((socket) => void socket.end())],
    ["half an answer", () => pod((socket) => void socket.end(`${HEAD}content-length: 100\r\n\r\n{`))],
    ["a byte now and then", () => pod(dripping(`${HEAD}content-length: 100\r\n\r\n${"{".repeat(100)}`))],
    ["a head byte by byte", () => pod(dripping("HTTP/1.1 200 OK\r\n"))],
  ])("%s is silent, and is waited for no longer than half a second", async (_, port) => {
    const asking = async (): Promise<{ waited: number }> => {
      const at = await port();
      const began = performance.now();
      expect(await ask(at)).toEqual({ kind: "silent" });
      return { waited: performance.now() - began };
    };
    expect(await tooMuchInEachRound({ waited: 1500 }, asking)).toEqual({});
  });
});

test("a pod without an address that is one is not asked", async () => {
  for (const address of ["", "evil.test", "127.1", "169.254.169.254:80", "localhost"])
    expect(await askPods(1, systemClock)({ address, proxy: "test/proxy", token: TOKEN }, NEVER)).toEqual({
      kind: "nonsense",
      words: "its address is none",
    });
});

test("of what a pod pours out the operator reads a little, and hangs up", async () => {
  let sent = 0;
  const port = await pod((socket) => {
    socket.write(`${HEAD}\r\n`);
    const pour = (): void => {
      while (!socket.destroyed && sent < 100_000_000) {
        sent += 65_536;
        if (!socket.write("x".repeat(65_536))) return void socket.once("drain", pour);
      }
    };
    pour();
  });
  expect(await ask(port, new FakeClock())).toMatchObject({ kind: "nonsense" });
  expect(sent).toBeLessThan(20_000_000); // what the kernel takes on both sides
});

/** Writes the same again for as long as the other end reads. */
function pouring(text: string): (socket: Socket) => void {
  return (socket) => {
    const pour = (): void => {
      while (!socket.destroyed && socket.write(text));
      if (!socket.destroyed) socket.once("drain", pour);
    };
    pour();
  };
}

function dripping(text: string): (socket: Socket) => void {
  return (socket) => {
    const drip = async (): Promise<void> => {
      for (const byte of text) {
        if (socket.destroyed) return;
        socket.write(byte);
        await sleep(40);
      }
    };
    drip().catch(() => {});
  };
}
