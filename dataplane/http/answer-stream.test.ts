import { request, type IncomingMessage } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { socketPair, until, type Peer } from "../../test/fakes/sockets.ts";
import { systemClock } from "../../runtime/clock.ts";
import { Spread } from "../../runtime/loop/spread.ts";
import { AnswerStream, ExcessiveAnswer } from "./answer-stream.ts";

const MAX_BODY = 10_000;
const upgrade = "HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
const INTERIM = "HTTP/1.1 102 Processing\r\nx: y\r\n\r\n";

/** What Node's client made of the answer. */
interface Outcome {
  interim: number;
  body: string;
  upgraded?: string;
  complete?: boolean;
  fault?: Error;
}

async function ask(
  turns: Pick<Spread, "run"> = new Spread(systemClock),
): Promise<{ peer: Peer; stream: AnswerStream; outcome: Outcome }> {
  const { peer, socket } = await socketPair();
  const stream = new AnswerStream(socket, MAX_BODY, turns);
  onTestFinished(() => {
    peer.socket.destroy();
    socket.destroy();
  });
  const outcome: Outcome = { interim: 0, body: "" };
  const question = request({ createConnection: () => stream, headers: { host: "a.test" } });
  question.on("information", () => (outcome.interim += 1));
  question.on("upgrade", (_response, _stream, head: Buffer) => {
    outcome.upgraded = Buffer.concat([head, stream.detach()]).toString("latin1");
  });
  question.on("response", (response: IncomingMessage) => {
    stream.answered();
    response.on("data", (chunk: Buffer) => (outcome.body += chunk.toString("latin1")));
    response.on("close", () => (outcome.complete = response.complete));
    response.on("error", (fault) => (outcome.fault = fault));
  });
  question.on("error", (fault) => (outcome.fault = fault));
  question.end();
  await until("the question came", () => peer.received.includes("\r\n\r\n"));
  return { peer, stream, outcome };
}

test("an answer waits for its turn, and no more of it is read meanwhile", async () => {
  const turns: (() => void)[] = [];
  const { peer, outcome, stream } = await ask({ run: (task) => void turns.push(task) });
  peer.socket.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
  await until("its turn is asked for", () => turns.length === 1);
  peer.socket.write("cd");
  for (let wait = 0; wait < 20; wait += 1) await new Promise((resolve) => setImmediate(resolve));
  expect({ turns: turns.length, outcome }).toEqual({ turns: 1, outcome: { interim: 0, body: "" } });
  turns.shift()?.();
  await until("the rest asks for its own", () => turns.length === 1);
  expect(outcome.body).toBe("ab");
  turns.shift()?.();
  await until("it is complete", () => outcome.complete === true);
  expect(outcome.body).toBe("abcd");
  stream.destroy();
});

test("an answer that is given up has no turn any more", async () => {
  const turns: (() => void)[] = [];
  const { peer, outcome, stream } = await ask({ run: (task) => void turns.push(task) });
  peer.socket.write(upgrade);
  await until("its turn is asked for", () => turns.length === 1);
  stream.destroy();
  turns.shift()?.();
  await until("the question has failed", () => outcome.fault !== undefined);
  expect(outcome.upgraded).toBeUndefined();
});

test("eight interim answers are passed over, however they are cut", async () => {
  for (const size of [1, 3, 7, 10_000]) {
    const { peer, outcome } = await ask();
    const text = INTERIM.repeat(8) + upgrade;
    for (let at = 0; at < text.length; at += size) {
      peer.socket.write(text.slice(at, at + size));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until("it is upgraded", () => outcome.upgraded !== undefined);
    expect(outcome.interim).toBe(8);
  }
});

test.each([
  ["nine interim answers", INTERIM.repeat(9)],
  ["nine empty lines in front", "\r\n\r\n".repeat(9)],
  ["more than 64 KiB of interim answers", `HTTP/1.1 103 H\r\nx: ${"y".repeat(12_000)}\r\n\r\n`.repeat(6)],
])("%s are more than any answer needs", async (_what, text) => {
  const { peer, outcome } = await ask();
  peer.socket.write(text + upgrade);
  await until("it has failed", () => outcome.fault !== undefined);
  expect(outcome.fault).toBeInstanceOf(ExcessiveAnswer);
  expect(outcome.interim).toBeLessThanOrEqual(9);
  await until("the connection is gone", () => peer.closed || peer.ended);
});

test("of a read full of interim answers the parser sees nine", async () => {
  const { peer, outcome } = await ask();
  peer.socket.write(INTERIM.repeat(2000));
  await until("it has failed", () => outcome.fault !== undefined);
  expect(outcome.interim).toBe(9);
});

test("what came behind the 101 is given back in order, and the socket is left alone", async () => {
  const { peer, stream, outcome } = await ask();
  const payload = Array.from({ length: 5000 }, (_, n) => `${n},`).join("");
  peer.socket.write(upgrade + payload.slice(0, 9000));
  await until("it is upgraded", () => outcome.upgraded !== undefined);
  expect(payload.startsWith(outcome.upgraded ?? "?")).toBe(true);
  stream.destroy();
  await new Promise((resolve) => setImmediate(resolve));
  expect([peer.closed, peer.ended]).toEqual([false, false]);
});

test("a body of several pieces comes whole, the connection's end behind it", async () => {
  const { peer, outcome } = await ask();
  const body = "0123456789".repeat(900);
  peer.socket.end(`HTTP/1.1 403 No\r\n\r\n${body}`);
  await until("the answer is complete", () => outcome.complete !== undefined);
  expect([outcome.body === body, outcome.complete, outcome.fault]).toEqual([true, true, undefined]);
});

test("a reset behind an answer does not take away what came before it", async () => {
  const { peer, outcome } = await ask();
  const body = "0123456789".repeat(900);
  peer.socket.write(`HTTP/1.1 403 No\r\nContent-Length: 9000\r\n\r\n${body}`, () => peer.socket.resetAndDestroy());
  await until("the answer is complete", () => outcome.complete !== undefined);
  expect([outcome.body === body, outcome.complete]).toEqual([true, true]);
});

test("a body that is longer than the bound, chunk sizes included, fails", async () => {
  const { peer, outcome } = await ask();
  peer.socket.write(`HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n${"1\r\nx\r\n".repeat(3000)}`);
  await until("it has failed", () => outcome.fault !== undefined);
  expect(outcome.complete).not.toBe(true);
  expect(outcome.body.length).toBeLessThan(MAX_BODY / 6 + 1);
});

test("a connection that ends or is reset without an answer fails the request", async () => {
  for (const leave of [(it: Peer) => it.socket.end(), (it: Peer) => it.socket.resetAndDestroy()]) {
    const { peer, outcome } = await ask();
    leave(peer);
    await until("it has failed", () => outcome.fault !== undefined);
    expect(outcome.fault).not.toBeInstanceOf(ExcessiveAnswer);
  }
});
