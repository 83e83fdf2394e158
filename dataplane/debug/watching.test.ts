import { expect, test } from "vitest";
import { DEBUG } from "../../api/debug.ts";
import { FakeClock } from "../../test/fakes/clock.ts";
import { EventReader, StalledReader } from "../../test/fakes/event-reader.ts";
import type { Fields, Log } from "../../runtime/log.ts";
import { accessLine, accessLog, type Access } from "../access-log.ts";
import { EventFilter, type EventWish } from "./event-filter.ts";
import { Timeline } from "./timeline.ts";
import { Watching } from "./watching.ts";

const FIRST = {
  name: "watching",
  event: { at: "2026-01-01T00:00:00.000Z", proxies: ["demo/chat"], payload: false },
} as const;

function bench(access: Access = "All") {
  const clock = new FakeClock();
  const watching = new Watching(clock);
  const written: Fields[] = [];
  const line = (fields: Fields): void => void written.push(fields);
  const log: Log = accessLog({ debug: line, info: line, warn: line, error: line }, "demo/chat", access, watching);
  const watch = (wish?: EventWish): EventReader => {
    const reader = new EventReader();
    const leave = watching.watch(new EventFilter(wish), FIRST, reader);
    if (leave === undefined) throw new Error("no place");
    reader.leave = leave;
    return reader;
  };
  const refuse = (more: Fields = {}): void =>
    accessLine(log, "HandshakeRefused", { requestId: "r", status: 403, reason: "Denied", policy: "deny", ...more });
  return { clock, watching, written, log, watch, refuse };
}

const closed = {
  ...{ session: "s", requestId: "r", route: "main", address: "192.0.2.1", status: 101, code: 1000, reason: "Closed" },
  ...{ by: "client", duration: 1.5, messages: { fromClient: 1, fromBackend: 2 } },
  bytes: { fromClient: 3, fromBackend: 4 },
};

test.each<Access>(["All", "Refused", "None"])(
  "with log.access %s all events are streamed in the words of the log, and no field that the log has not",
  (access) => {
    const { log, watch } = bench(access);
    const reader = watch();
    const secret = { token: "secret", headers: { authorization: "secret" }, query: "apikey=secret" };
    accessLine(log, "SessionOpened", { ...closed, endpoint: "192.0.2.9:80", subprotocol: "chat", ...secret });
    accessLine(log, "SessionClosed", { ...closed, ...secret });
    accessLine(log, "HandshakeRefused", {
      status: 401,
      reason: "CredentialMissing",
      policy: "authentication",
      ...secret,
    });
    const limit = { policy: "messages", per: "Client", action: "Drop", direction: "fromClient", shadow: false };
    accessLine(log, "LimitExceeded", { ...limit, ...secret });
    accessLine(log, "TlsFailed", { address: "192.0.2.1", cause: "no shared cipher", ...secret });
    const common = { at: "2026-01-01T00:00:00.000Z", proxy: "demo/chat" };
    const opened = { requestId: "r", route: "main", address: "192.0.2.1", session: "s" };
    expect(reader.events.slice(1)).toEqual([
      {
        name: "handshake",
        event: { ...common, ...opened, status: 101, endpoint: "192.0.2.9:80", reason: "Accepted" },
      },
      { name: "closed", event: { ...common, ...closed, status: undefined } },
      {
        name: "handshake",
        event: {
          ...{ ...common, status: 401, reason: "CredentialMissing", policy: "authentication" },
          steps: [{ name: "authentication", verdict: "refused", reason: "CredentialMissing" }],
        },
      },
      { name: "limit", event: { ...common, ...limit } },
      { name: "tlsFailed", event: { ...common, address: "192.0.2.1", cause: "no shared cipher" } },
    ]);
    expect(reader.text).not.toContain("secret");
  },
);

test("the log says the same whether something watches or not", () => {
  const { log, written, watch } = bench("Refused");
  const say = (): void => {
    for (const event of ["SessionOpened", "SessionClosed", "TlsFailed"] as const)
      accessLine(log, event, { ...closed, cause: "why" });
    log.info({ cause: "no access line" }, "m");
  };
  say();
  watch();
  say();
  expect(written).toHaveLength(4);
  expect(written.slice(2)).toEqual(written.slice(0, 2));
});

test("the last 200 refusals are kept although nothing watches, each with the step that decided, without times", () => {
  const { watch, refuse, log } = bench("None");
  for (let n = 0; n < 450; n += 1) refuse({ requestId: `r${n}` });
  accessLine(log, "SessionClosed", closed);
  const reader = watch();
  const past = reader.of("handshake");
  expect(reader.events[0]).toEqual(FIRST);
  expect(past.map(({ requestId }) => requestId)).toEqual(Array.from({ length: 200 }, (_, n) => `r${n + 250}`));
  expect(past[0]).toMatchObject({
    past: true,
    steps: [{ name: "deny", verdict: "refused", reason: "Denied" }],
  });
  expect(reader.events).toHaveLength(201);
});

test("a watcher sees of the kept refusals those that pass its filter, and then what happens that passes it", () => {
  const { watch, refuse } = bench();
  refuse({ client: "alice" });
  refuse({ client: "bob" });
  const reader = watch({ client: "alice" });
  refuse({ client: "bob" });
  refuse({ client: "alice" });
  expect(reader.of("handshake").map(({ client, past }) => [client, past])).toEqual([
    ["alice", true],
    ["alice", undefined],
  ]);
});

test("five watch at the same time, streams of frames among them; a place is free again once one leaves", () => {
  const { watching, watch } = bench();
  const leave = watching.place(() => {});
  const readers = Array.from({ length: DEBUG.watchers - 1 }, () => watch());
  expect(watching.full).toBe(true);
  expect(() => watch()).toThrow("no place");
  expect(watching.place(() => {})).toBeUndefined();
  leave?.();
  leave?.();
  watch().leave();
  readers[0]?.leave();
  readers[0]?.leave();
  watch();
  watch();
  expect(() => watch()).toThrow("no place");
});

test("a stream that gives way hears why, and no event any more", () => {
  const { clock, watching, watch, refuse } = bench();
  const readers = Array.from({ length: DEBUG.watchers }, () => watch());
  clock.advance(DEBUG.stays);
  const late = watch();
  refuse();
  expect(readers.map(({ ended }) => ended)).toEqual([true, false, false, false, false]);
  expect(readers.map(({ events }) => events.length)).toEqual([1, 2, 2, 2, 2]);
  expect(readers[0]?.text).toContain("\n\n: a new stream has the place of this one, which was open longest\n\n");
  expect([late.events.length, watching.places]).toEqual([2, 5]);
  readers[0]?.leave();
  expect(watching.places).toBe(5);
});

test("something watches from the first stream of events to the end of the last", () => {
  const { watching, watch } = bench();
  const leave = watching.place(() => {});
  expect([watching.watched, watching.trace()]).toEqual([false, undefined]);
  const [one, other] = [watch(), watch()];
  expect(watching.trace()).toBeDefined();
  one.leave();
  expect(watching.watched).toBe(true);
  other.leave();
  leave?.();
  expect(watching.watched).toBe(false);
});

test("a stream without events has a sign of life every 15 seconds, and none while there are events", () => {
  const { clock, watch, refuse } = bench();
  const reader = watch();
  clock.advance(14_999);
  expect(reader.beats).toBe(0);
  clock.advance(1);
  expect(reader.beats).toBe(1);
  clock.advance(10_000);
  refuse();
  clock.advance(14_999);
  expect(reader.beats).toBe(1);
  clock.advance(1);
  expect(reader.beats).toBe(2);
  reader.leave();
  expect(clock.pending).toBe(0);
});

test("a watcher that does not read is cut, and neither delays the others nor keeps its place", () => {
  const { watching, watch, refuse, clock } = bench();
  const reader = watch();
  const stalled = new StalledReader(DEBUG.unread);
  stalled.leave = watching.watch(new EventFilter(), FIRST, stalled) ?? stalled.leave;
  const count = 8000;
  for (let n = 0; n < count; n += 1) refuse({ requestId: `r${n}` });
  expect(stalled.cut).toBe(true);
  expect(stalled.waiting).toBeLessThan(DEBUG.unread + 10_000);
  expect(reader.of("handshake")).toHaveLength(count);
  expect(Array.from({ length: DEBUG.watchers }, () => watching.place(() => {}) !== undefined)).toEqual([
    ...[true, true, true, true, false],
  ]);
  expect(clock.pending).toBe(1);
});

test("texts of a client are bounded, on one line and JSON, and 200 of the longest cut no watcher that begins", () => {
  const { watching, watch, refuse } = bench();
  const evil = [
    "\u001b[2J\r\n\r\nevent: handshake\ndata: {}\n\n<img src=x onerror=alert(1)>\u202e\u061c\u2028",
    "\ud800".repeat(1_000_000),
    "\u6f22".repeat(1_000_000),
    "\0".repeat(1_000_000),
  ];
  const live = watch();
  for (let n = 0; n < 400; n += 1) {
    const text = evil[n % evil.length] as string;
    refuse({ client: text, cause: text, host: text, path: text, address: "192.0.2.1" });
  }
  expect(live.of("handshake")).toHaveLength(400);
  const stalled = new StalledReader(DEBUG.unread);
  stalled.leave = watching.watch(new EventFilter(), FIRST, stalled) ?? stalled.leave;
  expect(stalled.cut).toBe(false);
  // eslint-disable-next-line no-control-regex
  expect(live.text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u061c\u2028\u202e]/);
  expect(live.of("handshake")[0]?.["client"]).toMatch(/^\ufffd\[2J\ufffd/);
});

test("a timeline says of which session it is, and nothing while nothing watches", () => {
  const { watching, watch } = bench();
  const timeline = new Timeline("demo/chat", watching);
  const session = {
    ...{ id: "s", requestId: "r", route: "main", address: "192.0.2.1" },
    identity: { client: "\u202e".repeat(1_000_000) },
  };
  timeline.tell(session, "ping");
  expect(timeline.watched).toBe(false);
  const reader = watch();
  expect(timeline.watched).toBe(true);
  timeline.tell(session, "closeSent", { direction: "fromClient", code: 1000 });
  timeline.tell({ ...session, identity: { client: undefined } }, "paused");
  const common = { proxy: "demo/chat", route: "main", requestId: "r", address: "192.0.2.1", session: "s" };
  expect(reader.of("timeline")).toMatchObject([
    { ...common, client: `${"\ufffd".repeat(256)}…`, what: "closeSent", direction: "fromClient", code: 1000 },
    { ...common, what: "paused" },
  ]);
});
