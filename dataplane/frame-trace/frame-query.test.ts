import { expect, test } from "vitest";
import { FrameQuery } from "./frame-query.ts";

const of = (query: string) => FrameQuery.of(new URLSearchParams(query));

test.each([
  ["", "give one"],
  ["session=a&client=b", "give one"],
  ["session=", "session has no value"],
  ["session=a&session=b", "once only"],
  ["session=a&route=b", "takes the parameters session, client, proxy, seconds, payload"],
  ["session=a&seconds=0", "from 1 to 600"],
  ["session=a&seconds=601", "from 1 to 600"],
  ["session=a&seconds=1e2", "from 1 to 600"],
  ["session=a&payload=-1", "from 0 to 1024"],
  ["session=a&payload=1025", "from 0 to 1024"],
])("the query %j is refused", (query, sentence) => {
  expect(of(query)).toContain(sentence);
});

test("a minute without payload is usual", () => {
  expect(of("client=alice")).toMatchObject({ client: "alice", session: undefined, seconds: 60, payload: 0 });
  expect(of("session=a&seconds=600&payload=1024&proxy=demo/chat")).toMatchObject({ seconds: 600, payload: 1024 });
});

test("a session is one, a client is compared as events show it", () => {
  const session = (id: string, client?: string) => ({ id, identity: { client }, trace: () => {} });
  const passes = (query: string, proxy: string, id: string, client?: string): boolean => {
    const parsed = of(query);
    return typeof parsed !== "string" && parsed.passes(proxy, session(id, client));
  };
  expect(passes("session=a", "demo/chat", "a")).toBe(true);
  expect(passes("session=a", "demo/chat", "b", "a")).toBe(false);
  expect(passes("client=alice", "demo/chat", "a", "alice")).toBe(true);
  expect(passes("client=alice", "demo/chat", "a", "Alice")).toBe(false);
  expect(passes("client=alice", "demo/chat", "a")).toBe(false);
  expect(passes("client=alice&proxy=demo/other", "demo/chat", "a", "alice")).toBe(false);
  const long = "x".repeat(5000);
  expect(passes(`client=${"x".repeat(256)}…`, "demo/chat", "a", long)).toBe(true);
  expect(passes(`client=${long}`, "demo/chat", "a", long)).toBe(true);
});
