import { expect, test } from "vitest";
import { readClosed, readHandshake, readHappening, readSessions, readTlsFailed } from "./events.js";
import { MOST_OPEN, MOST_ROWS, Rows } from "./rows.js";

const START = Date.parse("2026-11-30T05:00:00.000Z");
const time = (seconds: number): string => new Date(START + 1000 * seconds).toISOString();
const common = (seconds: number) => ({ at: time(seconds), proxy: "demo/chat", route: "chat", address: "192.0.2.1" });

const accepted = (id: string, seconds = 0, more: object = {}) =>
  readHandshake({ ...common(seconds), session: id, requestId: `r-${id}`, status: 101, reason: "Accepted", ...more });
const refused = (id: string, seconds = 0, more: object = {}) =>
  readHandshake({ ...common(seconds), requestId: id, status: 401, reason: "CredentialMissing", ...more });
const closed = (id: string, seconds = 0, more: object = {}) =>
  readClosed({ ...common(seconds), session: id, code: 1000, reason: "bye", by: "client", duration: 2, ...more });
const listed = (...ids: string[]) =>
  readSessions({
    sessions: ids.map((id) => ({ id, proxy: "demo/chat", route: "chat", address: "192.0.2.1", since: time(0) })),
  }).sessions;
const states = (rows: Rows): string[] =>
  rows.all.map(({ session, requestId, state }) => `${session ?? requestId} ${state}`);

test("a session is one row from its handshake to its end, with what happens meanwhile", () => {
  const rows = new Rows();
  rows.handshake(accepted("s", 0, { client: "alice" }));
  expect(rows.open).toBe(1);
  for (const what of ["ping", "pong", "ping", "pong"])
    rows.happened(readHappening({ ...common(1), session: "s", what }));
  rows.happened(readHappening({ ...common(2), requestId: "r-s", policy: "messages", per: "Client", action: "Delay" }));
  rows.closed(closed("s", 3, { messages: { fromClient: 3, fromBackend: 4 } }));
  expect(rows.all).toMatchObject([
    {
      client: "alice",
      state: "ended",
      status: 101,
      messages: { fromClient: 3, fromBackend: 4 },
      end: { by: "client" },
    },
  ]);
  expect(rows.all[0]?.timeline.map(({ what, times }) => [what, times])).toEqual([
    ["ping", 2],
    ["pong", 2],
    ["limit", 1],
  ]);
  expect(rows.open).toBe(0);
});

test("a limit that a handshake hits before its end is known stands in its row", () => {
  const rows = new Rows();
  rows.happened(
    readHappening({ ...common(0), requestId: "r-s", policy: "attempts", per: "IP", action: "Refuse", shadow: true }),
  );
  rows.handshake(accepted("s"));
  expect(rows.all[0]?.timeline).toMatchObject([{ policy: "attempts", shadow: true }]);
});

test("what names its session stands in that row alone, whatever id the client chose for its request", () => {
  const rows = new Rows();
  const limit = { policy: "messages", per: "Client", action: "Delay" };
  rows.handshake(accepted("alice", 0, { requestId: "chosen" }));
  rows.happened(readHappening({ ...common(1), ...limit, session: "mallory", requestId: "chosen" }));
  rows.happened(readHappening({ ...common(1), session: "mallory", requestId: "chosen", what: "paused" }));
  rows.handshake(accepted("mallory", 1, { requestId: "chosen" }));
  rows.happened(readHappening({ ...common(2), ...limit, session: "alice", requestId: "chosen" }));
  const timelines = rows.all.map(({ session, timeline }) => [session, timeline.map(({ what }) => what)]);
  expect(timelines).toEqual([
    ["alice", ["limit"]],
    ["mallory", ["limit", "paused"]],
  ]);
});

test("a limit of a handshake never stands in a row of another address with the same request id", () => {
  const rows = new Rows();
  rows.handshake(accepted("alice", 0, { requestId: "chosen" }));
  const shadow = { policy: "attempts", per: "IP", action: "Refuse", shadow: true };
  rows.happened(readHappening({ ...common(1), ...shadow, requestId: "chosen", address: "192.0.2.66" }));
  expect(rows.all[0]?.timeline).toEqual([]);
});

test("limits of handshakes that never end are forgotten", () => {
  const rows = new Rows();
  for (let i = 0; i < 10_000; i += 1)
    rows.happened(
      readHappening({ ...common(0), requestId: `r-${i}`, policy: "attempts", per: "IP", action: "Refuse" }),
    );
  rows.handshake(accepted("0"));
  expect(rows.all[0]?.timeline).toEqual([]);
});

test("a refusal that the gateway kept is one row, however often the stream begins anew, and never hides times", () => {
  const rows = new Rows();
  const steps = [{ name: "route", verdict: "passed", micros: 7 }];
  rows.handshake(refused("a", 0, { steps }));
  for (let again = 0; again < 3; again += 1)
    rows.handshake(refused("a", 0, { past: true, steps: [{ name: "route", verdict: "passed" }] }));
  rows.handshake(refused("a", 5)); // the client may use one id for many requests
  expect(states(rows)).toEqual(["a refused", "a refused"]);
  expect(rows.all[0]?.handshake?.steps).toMatchObject(steps);
});

test("the list adds sessions that were open before, and counts those that are known", () => {
  const rows = new Rows();
  rows.handshake(accepted("s", 10));
  const page = (messages: number, bytes: number) =>
    readSessions({
      sessions: ["old", "s"].map((id) => ({
        id,
        proxy: "demo/chat",
        since: time(0),
        messages: { fromClient: messages, fromBackend: 0 },
        bytes: { fromClient: bytes, fromBackend: 0 },
      })),
    }).sessions;
  rows.listed(page(0, 0), START + 10_000);
  rows.listed(page(20, 400), START + 12_000);
  expect(states(rows)).toEqual(["old open", "s open"]);
  expect(rows.all[1]).toMatchObject({ messages: { fromClient: 20 }, bytes: { fromClient: 400 } });
  expect(rows.all[1]?.curve?.last).toBe(10);
});

test("a page that is older than the end of a session opens it no more", () => {
  const rows = new Rows();
  rows.handshake(accepted("s"));
  rows.closed(closed("s", 2));
  rows.listed(listed("s"), START + 3000);
  expect(states(rows)).toEqual(["s ended"]);
});

test("a session that two whole rounds did not list has ended unseen; one that a pod lists again is open", () => {
  const rows = new Rows();
  rows.listed(listed("gone", "stays"), START + 1000);
  rows.listed(listed("stays"), START + 2000);
  rows.listedAll(START + 1500);
  expect(states(rows)).toEqual(["gone open", "stays open"]);
  rows.listed(listed("stays"), START + 4000);
  rows.listedAll(START + 3500);
  expect(states(rows)).toEqual(["gone lost", "stays open"]);
  expect(rows.open).toBe(1);
  rows.listed(listed("gone", "stays"), START + 6000);
  expect([states(rows), rows.open]).toEqual([["gone open", "stays open"], 2]);
});

test("a session that began while a round was read is not missed in it", () => {
  const rows = new Rows();
  rows.handshake(accepted("new", 10));
  rows.listedAll(START + 9000);
  rows.listedAll(START + 9000);
  expect(states(rows)).toEqual(["new open"]);
});

test("rows are in the order of their beginning, whichever pod told first", () => {
  const rows = new Rows();
  rows.handshake(refused("b", 2));
  rows.handshake(refused("a", 1, { pod: "other" }));
  rows.handshake(refused("c", 3));
  rows.closed(closed("d", 4, { duration: 4 }));
  expect(rows.all.map(({ session, requestId }) => session ?? requestId)).toEqual(["d", "a", "b", "c"]);
});

test("an event without a readable time stands where it came", () => {
  const rows = new Rows();
  rows.handshake(refused("a", 1));
  rows.handshake(refused("b", 2, { at: "yesterday" }));
  rows.handshake(refused("c", 3));
  expect(rows.all.map(({ requestId }) => requestId)).toEqual(["a", "b", "c"]);
});

test("of too many rows those go that ended longest ago, and open sessions stay", () => {
  const rows = new Rows();
  rows.handshake(accepted("open", 0));
  for (let i = 1; i <= MOST_ROWS + 500; i += 1) rows.handshake(refused(String(i), i));
  const all = states(rows);
  expect(all).toHaveLength(MOST_ROWS);
  expect(all.slice(0, 2)).toEqual(["open open", "502 refused"]);
  expect(all.at(-1)).toBe(`${MOST_ROWS + 500} refused`);
});

test("open sessions never take the room of what is refused", () => {
  const rows = new Rows();
  for (let i = 0; i < 1000; i += 1) rows.handshake(refused(`x${i}`, 0));
  for (let i = 0; i < 20; i += 1) rows.listed(listed(...Array.from({ length: 1000 }, (_, at) => `l${i}-${at}`)), START);
  expect([rows.all.length, rows.open]).toEqual([MOST_ROWS, MOST_OPEN]);
  for (let i = 0; i < 500; i += 1) rows.handshake(accepted(`n${i}`, 60 + i));
  expect([rows.all.length, rows.open]).toEqual([MOST_ROWS, MOST_OPEN]);
  expect(states(rows).at(-1)).toBe("n499 open");
});

test("memory stays bounded while nothing is drawn, and while one session says much", () => {
  const rows = new Rows();
  for (let i = 0; i < 50_000; i += 1) rows.handshake(refused(String(i), i));
  expect(rows.get("refusal  0 0")).toBeUndefined();
  expect(rows.added).toBe(50_000);
  rows.handshake(accepted("s", 60_000));
  for (let i = 0; i < 1000; i += 1)
    rows.happened(readHappening({ ...common(i), session: "s", what: i % 2 ? "paused" : "resumed", reason: `r${i}` }));
  const row = rows.all.at(-1);
  expect([row?.timeline.length, row?.left]).toEqual([40, 960]);
});

test("a TLS handshake that failed is a row of its own", () => {
  const rows = new Rows();
  rows.tlsFailed(readTlsFailed({ ...common(1), cause: "alert unknown ca" }));
  rows.tlsFailed(readTlsFailed({ ...common(1), cause: "alert unknown ca" }));
  expect(rows.all).toMatchObject(
    [1, 2].map(() => ({ state: "refused", status: 0, reason: "TlsFailed", address: "192.0.2.1" })),
  );
});

test("sessions of a pod that gives no answer are marked, and go on when it answers again", () => {
  const rows = new Rows();
  for (const pod of ["a", "b"]) rows.handshake(accepted(`s-${pod}`, 0, { pod }));
  const silent = () => rows.all.map((row) => [row.pod, row.state, row.silent, row.podGone]);
  rows.watched(new Set(["a"]));
  expect(silent()).toEqual([
    ["a", "open", false, false],
    ["b", "open", true, false],
  ]);
  const list = (...pods: string[]) =>
    readSessions({ sessions: pods.map((pod) => ({ id: `s-${pod}`, pod, proxy: "demo/chat", since: time(0) })) })
      .sessions;
  for (let round = 1; round < 5; round += 1) {
    rows.listed(list("a"), START + 10_000 * round);
    rows.listedAll(START + 10_000 * round - 1, new Set(["b"]));
  }
  expect(silent()[1]).toEqual(["b", "open", true, false]);
  rows.listed(list("a", "b"), START + 60_000);
  expect(silent()[1]).toEqual(["b", "open", false, false]);
});

test("sessions of a pod that is gone end with it", () => {
  const rows = new Rows();
  for (const pod of ["a", "b"]) rows.handshake(accepted(`s-${pod}`, 0, { pod }));
  rows.watched(new Set(["a"]));
  for (const round of [1, 2]) rows.listedAll(START + 10_000 * round, new Set());
  expect(rows.all.map(({ state, podGone }) => [state, podGone])).toEqual([
    ["lost", false],
    ["lost", true],
  ]);
  expect(rows.open).toBe(0);
});
