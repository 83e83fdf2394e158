import { expect, test } from "vitest";
import { closeAnswer, LONGEST_REASON } from "../../api/admin-pages.ts";
import { answerOf } from "../../test/fakes/admin-client.ts";
import { FakeClock } from "../../test/fakes/clock.ts";
import { OpenSessions } from "../../test/fakes/open-sessions.ts";
import { until } from "../../test/fakes/sockets.ts";
import { closeText, type Termination } from "../rejection.ts";
import { closeEndpoints, endedByOperator } from "./close-sessions.ts";
import { SessionWalks } from "./session-walks.ts";

function bench() {
  const open = new OpenSessions();
  const clock = new FakeClock();
  const post = async (query: string, id?: string): Promise<[number, string]> => {
    const endpoints = closeEndpoints(new SessionWalks(open.gateway, clock));
    const endpoint = endpoints[id === undefined ? "/sessions/close" : "/sessions/{id}/close"] ?? expect.fail();
    expect([endpoint.method, endpoint.access]).toEqual(["POST", "Closed"]);
    const { status, body } = await answerOf(endpoint, query, id);
    return [status, String(body)];
  };
  const closed = async (query: string, id?: string): Promise<number> => {
    const [status, body] = await post(query, id);
    expect([status, body]).toEqual([200, body]);
    return closeAnswer.parse(JSON.parse(body)).closed;
  };
  return { open, clock, post, closed };
}

test("one session is closed by its id, with what was said of the reason, and once only", async () => {
  const { open, post, closed } = bench();
  const [one] = [open.open(), open.open()];
  expect(await closed("reason=Bye%20now", one.id)).toBe(1);
  const termination = { reason: "EndedByOperator", text: "Bye now", cause: "Bye now" };
  expect(open.told).toEqual([[one, termination]]);
  const words = "no session of this id is open: it has ended or is ending, or it is in another pod\n";
  for (const id of [one.id, "no-such-id", "", "__proto__"]) expect(await post("", id)).toEqual([404, words]);
  expect(open.told).toHaveLength(1);
});

test.each([
  ["client=alice", [0, 3]],
  ["client=alice&proxy=test/other", [3]],
  ["route=chat", [1, 3]],
  ["address=192.0.2.7", [2]],
  ["address=::ffff:192.0.2.7", [2]],
  ["client=carol", []],
])("?%s closes those sessions and no others", async (query, wanted) => {
  const { open, closed } = bench();
  const all = [
    open.open({ client: "alice" }),
    open.open({ client: "bob", route: "chat" }),
    open.open({ address: "192.0.2.7" }),
    open.open({ client: "alice", route: "chat", proxy: "test/other" }),
  ];
  expect(await closed(query)).toBe(wanted.length);
  expect(open.told.map(([session]) => all.indexOf(session))).toEqual(wanted);
  expect(open.told.map(([, termination]) => termination)).toEqual(wanted.map(() => ({ reason: "EndedByOperator" })));
});

test.each([
  ["", /^say which sessions are meant by exactly one of client, route and address$/],
  ["reason=x", /^say which/],
  ["proxy=test/proxy", /^say which/],
  ["client=a&route=b", /^say which/],
  ["client=a&route=b&address=192.0.2.1", /^say which/],
  ["client=", /^client is empty$/],
  ["client=a&proxy=", /^proxy is empty$/],
  ["address=all", /^address is an IP address$/],
  ["client=a&client=b", /^a parameter may stand once only$/],
  ["client=a&reason=x&reason=y", /^a parameter may stand once only$/],
  ["client=a&limit=1", /^this path takes client, route, address, proxy and reason only$/],
  ["session=a", /^this path takes/],
])("?%s closes nothing, and says why", async (query, words) => {
  const { open, post } = bench();
  open.open({ client: "a", route: "b" });
  const [status, body] = await post(query);
  expect([status, body.trimEnd()]).toEqual([400, expect.stringMatching(words)]);
  expect(open.told).toEqual([]);
});

test("each proxy of which sessions were closed has one line about it, with the filter, the text and how many", async () => {
  const { open, closed } = bench();
  for (const proxy of ["test/proxy", "test/other", "test/proxy"]) open.open({ route: "chat", proxy });
  open.open({ proxy: "test/third" });
  const { id } = open.open();
  expect(await closed("route=chat&reason=Bye")).toBe(3);
  expect(await closed("route=chat")).toBe(0);
  expect(await closed("", id)).toBe(1);
  const line = { event: "ClosedByOperator", client: undefined, route: "chat", address: undefined, cause: "Bye" };
  expect(open.audited).toEqual([
    { ...line, proxy: "test/proxy", closed: 2 },
    { ...line, proxy: "test/other", closed: 1 },
    { event: "ClosedByOperator", proxy: "test/proxy", session: id, closed: 1, cause: undefined },
  ]);
});

test("a session is closed by its id alone", async () => {
  const { open, post } = bench();
  const { id } = open.open({ client: "a" });
  expect(await post("client=a", id)).toEqual([400, "this path takes reason only\n"]);
  expect(open.told).toEqual([]);
});

test("thousands are closed in slices, and those that end meanwhile do not count", async () => {
  const { open, clock, closed } = bench();
  const all = Array.from({ length: 100 }, () => open.open({ client: "alice" }));
  open.tells = () => clock.advance(1);
  let turns = 0;
  const other = (): void => {
    turns += 1;
    if (turns === 3) for (const session of all.slice(-10)) session.destroy();
    if (turns < 1000) setImmediate(other);
  };
  setImmediate(other);
  expect(await closed("client=alice")).toBe(90);
  expect(open.told).toHaveLength(90);
  expect(turns).toBeGreaterThanOrEqual(9);
});

test("the answer comes when the Close frames are on their way", async () => {
  const { open, closed } = bench();
  open.open({ client: "alice" });
  let told = (): void => {};
  open.allTold = new Promise((resolve) => (told = resolve));
  let answered = false;
  const answer = closed("client=alice").then(() => (answered = true));
  await until("the session is to end", () => open.told.length === 1);
  for (let turns = 0; turns < 20; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(answered).toBe(false);
  told();
  await answer;
});

test("the note says that a kick is no ban, and names deny", async () => {
  const { post } = bench();
  const { note } = closeAnswer.parse(JSON.parse((await post("client=a"))[1]));
  expect(note).toMatch(/may connect again.*deny\.clients/);
});

const textOf = (given: string): string => closeText(endedByOperator(given) satisfies Termination);

test.each([
  ["", "EndedByOperator"],
  ["  \n ", "EndedByOperator"],
  [" Update your app ", "EndedByOperator; Update your app"],
  ["a\r\nb\u0007", "EndedByOperator; a\uFFFD\uFFFDb\uFFFD"],
  ["\u001b[2J\u202egnp.exe", "EndedByOperator; \uFFFD[2J\uFFFDgnp.exe"],
  ["<img onerror=alert(1)>", "EndedByOperator; <img onerror=alert(1)>"],
  ["x".repeat(107), `EndedByOperator; ${"x".repeat(106)}`],
  ["é".repeat(54), `EndedByOperator; ${"é".repeat(53)}`],
  [`x${"é".repeat(54)}`, `EndedByOperator; x${"é".repeat(52)}`],
  ["😀".repeat(27), `EndedByOperator; ${"😀".repeat(26)}`],
  ["😀".repeat(10_000), `EndedByOperator; ${"😀".repeat(26)}`],
])("of the reason %j both ends get what fits a Close frame and is safe to show", (given, wanted) => {
  expect(textOf(given)).toBe(wanted);
  expect(Buffer.byteLength(textOf(given))).toBeLessThanOrEqual(123);
});

test("the text fills the Close frame, and the log gets more of it", () => {
  expect(Buffer.byteLength("EndedByOperator; ") + LONGEST_REASON).toBe(123);
  expect(endedByOperator("x".repeat(8000)).cause).toBe(`${"x".repeat(1023)}…`);
});
