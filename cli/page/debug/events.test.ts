import { expect, test } from "vitest";
import { DEBUG_EVENTS, type DebugEvent } from "../../../api/debug.ts";
import {
  readCloseAnswer,
  readClosed,
  readConfig,
  readFrame,
  readHandshake,
  readHappening,
  readPods,
  readSessions,
  readTrouble,
  readWatching,
} from "./events.js";

const at = "2026-11-30T05:00:00.123Z";
const common = { at, proxy: "demo/chat", route: "chat", requestId: "r-1", client: "alice", address: "192.0.2.1" };

test("reads what the contract says", () => {
  const handshake: DebugEvent<"handshake"> = {
    ...common,
    host: "a.test",
    path: "/chat",
    status: 401,
    reason: "CredentialInvalid",
    policy: "authentication",
    steps: [{ name: "authentication", verdict: "refused", reason: "CredentialInvalid", micros: 12.5 }],
    millis: 1.5,
  };
  expect(readHandshake(DEBUG_EVENTS.handshake.parse(handshake))).toMatchObject({ ...handshake, at: Date.parse(at) });
  const closed: DebugEvent<"closed"> = {
    ...common,
    session: "s-1",
    code: 1008,
    reason: "MessageRate",
    by: "gateway",
    duration: 1.5,
    messages: { fromClient: 3, fromBackend: 4 },
    bytes: { fromClient: 30, fromBackend: 40 },
  };
  expect(readClosed(closed)).toMatchObject({ ...closed, at: Date.parse(at) });
  expect(readHappening({ ...common, session: "s-1", what: "ping" })).toMatchObject({ session: "s-1", what: "ping" });
  expect(readHappening({ ...common, policy: "messages", per: "Client", action: "Close", shadow: true })).toMatchObject({
    what: "limit",
    policy: "messages",
    shadow: true,
  });
  expect(readWatching({ at, proxies: ["a/b", "c/d"], payload: true })).toEqual({
    proxies: ["a/b", "c/d"],
    payload: true,
  });
});

test("knows the pod that `wsproxy debug` adds", () => {
  expect(readHandshake({ ...common, pod: "chat-1" }).pod).toBe("chat-1");
  expect(readConfig({ proxies: [{ pod: "chat-1", proxy: "demo/chat", generation: 7 }], more: 0 })).toEqual([
    { pod: "chat-1", proxy: "demo/chat", generation: 7, removed: false, rejected: undefined },
  ]);
});

const NONSENSE = [
  undefined,
  null,
  7,
  "text",
  [],
  {},
  {
    at: 7,
    client: { toString: 1 },
    status: "101",
    steps: "x",
    session: [],
    messages: null,
    duration: -1,
    code: Infinity,
  },
  { steps: [null, 7, { name: 7 }], proxies: [{}, null], sessions: [null, { id: 7 }], next: {} },
];

test.each(NONSENSE)("%j is read without a fault", (json) => {
  for (const read of [readHandshake, readClosed, readHappening, readFrame, readSessions, readConfig, readWatching])
    expect(read(json)).toBeTypeOf("object");
});

test("every text is cut, and every list is bounded", () => {
  const huge = "x".repeat(1_048_576);
  const it = readHandshake({
    ...Object.fromEntries(
      ["proxy", "route", "requestId", "client", "address", "host", "path", "reason", "cause"].map((n) => [n, huge]),
    ),
    session: huge,
    steps: Array.from({ length: 10_000 }, () => ({ name: huge, verdict: huge, reason: huge })),
  });
  expect(JSON.stringify(it).length).toBeLessThan(60_000);
  expect(it.client).toHaveLength(257);
  expect(readSessions({ sessions: Array.from({ length: 5000 }, () => ({ id: "x" })) }).sessions).toHaveLength(1000);
  expect(readFrame({ payload: huge }).payload).toHaveLength(8193);
});

test("the next page is asked for with what the gateway said, unchanged", () => {
  expect(readSessions({ sessions: [], next: "x".repeat(300) }).next).toHaveLength(300);
});

test("what is told of pods is cut, and what is none is passed over", () => {
  const failures = [{ pod: "a", message: "m".repeat(5000) }, { message: "no pod" }, 7, null];
  const { pods, failures: read } = readPods({ pods: ["a", 7, "p".repeat(1000)], failures });
  expect(pods.map((pod) => pod.length)).toEqual([1, 257]);
  expect(read.map(({ pod, message }) => [pod, message.length])).toEqual([["a", 1025]]);
  expect(readTrouble({ message: "words", pod: {} })).toEqual({ pod: undefined, message: "words" });
  expect([readPods(null), readTrouble(7)]).toEqual([
    { pods: [], failures: [] },
    { pod: undefined, message: "" },
  ]);
  expect(readPods({ failures: Array.from({ length: 5000 }, () => ({ pod: "a" })) }).failures).toHaveLength(1024);
  for (const reads of [readSessions, readCloseAnswer]) expect(reads({ failures }).failures).toHaveLength(1);
});
