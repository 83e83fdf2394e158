import { expect, test } from "vitest";
import { EventText, type Traced } from "./event-text.ts";
import { spent, timeOf } from "./trace-text.ts";

const NOW = new Date(2026, 10, 30, 12, 0, 0).getTime();
const AT = new Date(2026, 10, 30, 11, 59, 58, 7).toISOString();
const TIME = "11:59:58.007";

const common = { at: AT, proxy: "demo/chat", route: "main", client: "alice", address: "192.0.2.7" };

function shown(name: string, data: object, pods = true): string {
  const event: Traced = { pod: "chat-a", name, data: { ...data } };
  return new EventText(pods, () => NOW).of(event);
}

test("a handshake is one line, with what is known of it and its steps below, each with its mark, time and reason", () => {
  const steps = [
    { name: "handshake", verdict: "passed", micros: 12.4 },
    { name: "attempts", verdict: "shadow", reason: "RateLimited", micros: 3 },
    { name: "authentication", verdict: "refused", reason: "TokenExpired", micros: 3200 },
    { name: "backend", verdict: "skipped" },
    { name: "answer", verdict: "waits" },
  ];
  const event = {
    ...common,
    host: "chat.test",
    path: "/chat",
    status: 401,
    reason: "TokenExpired",
    millis: 3.4,
    steps,
  };
  expect(shown("handshake", { ...event, policy: "authentication", cause: "exp is over" })).toBe(
    [
      `${TIME}  chat-a  alice  main  401 TokenExpired  3.4 ms`,
      "    chat.test /chat; policy authentication; exp is over",
      "    ✓  handshake       12 µs",
      "    ~  attempts        3 µs     shadow RateLimited",
      "    ✗  authentication  3.2 ms   TokenExpired",
      "    ·  backend         skipped",
      "    ?  answer                   waits",
      "",
    ].join("\n"),
  );
});

test("an accepted handshake names its backend and its session; a kept refusal is marked as earlier", () => {
  const accepted = { ...common, status: 101, reason: "Accepted", session: "s1", endpoint: "10.0.0.7:9000" };
  expect(shown("handshake", { ...accepted, dialMillis: 0.8, backendStatus: 101, millis: 12 }, false)).toBe(
    `${TIME}  alice  main  101 Accepted  12 ms\n    backend 10.0.0.7:9000 in 800 µs, answered 101; session s1\n`,
  );
  const unknown = { at: AT, proxy: "demo/chat", address: "192.0.2.7" };
  expect(shown("handshake", { ...unknown, status: 404, reason: "NoRoute", past: true })).toBe(
    `${TIME}  chat-a  192.0.2.7  -  404 NoRoute  (earlier)\n`,
  );
});

test("ends of sessions, limits, timelines and TLS are a line each", () => {
  const closed = { ...common, session: "s1", code: 1000, reason: "Normal", by: "client", duration: 75.25 };
  const counts = { messages: { fromClient: 1, fromBackend: 2 }, bytes: { fromClient: 5, fromBackend: 2000 } };
  expect(shown("closed", { ...closed, ...counts, cause: "it said bye" })).toBe(
    `${TIME}  chat-a  alice  main  closed 1000 Normal by client after 75.3 s; up 1 message with 5 B, down 2 messages with 2.0 kB\n    it said bye\n`,
  );
  const limit = { ...common, policy: "messages", per: "Client", action: "Drop", direction: "fromClient", shadow: true };
  expect(shown("limit", limit)).toBe(
    `${TIME}  chat-a  alice  main  limit messages per Client exceeded: Drop, from the client (shadow: it only counts)\n`,
  );
  const timeline = { ...common, session: "s1", what: "closeSent", direction: "fromBackend", code: 1001 };
  expect(shown("timeline", timeline)).toBe(`${TIME}  chat-a  alice  main  closeSent from the backend 1001\n`);
  expect(shown("tlsFailed", { at: AT, proxy: "demo/chat", address: "192.0.2.7", cause: "no cipher" })).toBe(
    `${TIME}  chat-a  192.0.2.7  -  TLS failed: no cipher\n`,
  );
});

test("frames have an arrow, a word, fin, size, verdict and payload; the session is named where it changes", () => {
  const text = new EventText(true, () => NOW);
  const of = (name: string, data: object): string => text.of({ pod: "chat-a", name, data: { at: AT, ...data } });
  const frame = { session: "s1", direction: "fromClient", opcode: 1, fin: true, size: 5, verdict: "forwarded" };
  expect(of("frame", { ...frame, payload: "hi\u001b[2J" })).toBe(
    `${TIME}  chat-a  session s1\n${TIME}  chat-a  ↑  text  fin  5 B  forwarded  "hi\ufffd[2J"\n`,
  );
  const back = { ...frame, direction: "fromBackend", opcode: 2, fin: false, compressed: true, size: 1500 };
  expect(of("frame", { ...back, payload: Buffer.from([0, 255]).toString("base64"), binary: true })).toBe(
    `${TIME}  chat-a  ↓  binary (more follows, compressed)  1.5 kB  forwarded  00ff\n`,
  );
  expect(of("frame", { ...frame, session: "s2", opcode: 8, verdict: "stopped", reason: "MessageTooBig" })).toBe(
    `${TIME}  chat-a  session s2\n${TIME}  chat-a  ↑  close  fin  5 B  stopped MessageTooBig\n`,
  );
  expect(of("leftOut", { frames: 12 })).toBe(
    `${TIME}  chat-a  12 frames left out: there are more in a second than a trace tells\n`,
  );
});

test("no text of a client is a control, a line, a change of direction, or long", () => {
  const hostile = "\u001b]0;x\u0007\n\r\u202etac\u009b31m\u200b<img onerror=1>";
  const event = { ...common, status: 401, reason: hostile.slice(0, 60), cause: hostile };
  const fields = { client: hostile, route: hostile, host: hostile, path: "/".repeat(250), policy: hostile };
  const steps = [{ name: hostile, verdict: hostile, reason: hostile }];
  const text = shown("handshake", { ...event, ...fields, steps });
  expect(text.split("\n")).toHaveLength(4);
  // eslint-disable-next-line no-control-regex
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b\u202e]/);
  for (const one of text.split("\n")) expect(one.length).toBeLessThan(700);
});

test("what a newer version tells is passed over, and an event that cannot be read says so", () => {
  expect(shown("novelty", { at: AT })).toBe("");
  expect(shown("watching", { at: AT, proxies: [], payload: false })).toBe("");
  expect(shown("handshake", { at: AT, status: "many" })).toBe(
    `${TIME}  chat-a  handshake: of another version; -o json shows it\n`,
  );
});

test("times of another day have their date, and what is no time says so", () => {
  expect(timeOf(new Date(2026, 10, 29, 1, 2, 3, 4).toISOString(), NOW)).toBe("2026-11-29 01:02:03.004");
  expect(timeOf("soon", NOW)).toBe("--:--:--.---");
  expect([0.0124, 0.9996, 3.25, 9.96, 999.6].map(spent)).toEqual(["12 µs", "1.0 ms", "3.3 ms", "10 ms", "1.0 s"]);
});
