import { expect, test } from "vitest";
import { OpenSessions } from "../../test/fakes/open-sessions.ts";
import { isMeant, sessionFilter, wrongParameters } from "./session-query.ts";

const session = new OpenSessions().open({ client: "alice", route: "chat", address: "2001:db8::1" });
const nameless = new OpenSessions().open();

test.each([
  ["", true],
  ["client=alice", true],
  ["client=Alice", false],
  ["client=alic", false],
  ["route=chat", true],
  ["route=other", false],
  ["address=2001:db8::1", true],
  ["address=2001:0DB8:0:0:0:0:0:1", true],
  ["address=2001:db8::2", false],
  ["proxy=demo/chat", true],
  ["proxy=demo/other", false],
  ["client=alice&route=chat&address=2001:db8::1&proxy=demo/chat", true],
  ["client=alice&route=other", false],
])("?%s means this session: %s", (query, meant) => {
  const filter = sessionFilter(new URLSearchParams(query));
  if (typeof filter === "string") expect.fail(filter);
  expect(isMeant(filter, "demo/chat", session)).toBe(meant);
});

test("a session without a client is meant by no client's name", () => {
  for (const client of ["undefined", "null", "-"]) expect(isMeant({ client }, "demo/chat", nameless)).toBe(false);
});

test.each([
  ["client=", "client is empty"],
  ["route=", "route is empty"],
  ["proxy=&client=a", "proxy is empty"],
  ["address=", "address is empty"],
  ["address=example.com", "address is an IP address"],
  ["address=10.0.0.0/8", "address is an IP address"],
  ["address=1.2.3", "address is an IP address"],
])("?%s is no filter: %s", (query, words) => {
  expect(sessionFilter(new URLSearchParams(query))).toBe(words);
});

test.each([
  ["a=1&b=2", ["a", "b"], undefined],
  ["", ["a"], undefined],
  ["c=1", ["a", "b", "d"], "this path takes a, b and d only"],
  ["A=1", ["a"], "this path takes a only"],
  ["a=1&a=1", ["a"], "a parameter may stand once only"],
  ["__proto__=1", ["a"], "this path takes a only"],
])("?%s, where %j may stand there: %s", (query, names, words) => {
  expect(wrongParameters(new URLSearchParams(query), names)).toBe(words);
});
