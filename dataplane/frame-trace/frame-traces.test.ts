import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { tooMuchInEachRound } from "../../test/fakes/rounds.ts";
import { systemClock } from "../../runtime/clock.ts";
import type { SessionTap } from "../tunnel/frame-tap.ts";
import { FrameQuery } from "./frame-query.ts";
import { FrameTraces, type TracedProxy } from "./frame-traces.ts";

class FakeSession {
  readonly id: string;
  readonly identity: { readonly client: string };
  tap: SessionTap | undefined;

  constructor(id: string, client: string) {
    this.id = id;
    this.identity = { client };
  }

  trace(tap: SessionTap | undefined): void {
    this.tap = tap;
  }
}

const query = (text: string): FrameQuery => {
  const parsed = FrameQuery.of(new URLSearchParams(text));
  if (typeof parsed === "string") throw new Error(parsed);
  return parsed;
};
const many = (count: number, client: string) =>
  Array.from({ length: count }, (_, at) => new FakeSession(`${client}-${at}`, client));
const proxy = (sessions: Iterable<FakeSession>, name = "demo/chat", showsPayload = true): TracedProxy => ({
  ...{ name, sessions, showsPayload },
});

function sink() {
  const texts: string[] = [];
  let ends = 0;
  return { texts, ends: () => ends, write: (text: string) => void texts.push(text), end: () => void (ends += 1) };
}

test("a trace has 1,000 sessions, and says once that others are left out", () => {
  const traces = new FrameTraces(new FakeClock());
  const sessions = many(1005, "alice");
  const out = sink();
  const end = traces.start(query("client=alice"), [proxy(sessions)], out);
  expect(sessions.filter(({ tap }) => tap !== undefined)).toHaveLength(1000);
  expect(out.texts.filter((text) => text.startsWith(": 1000 sessions"))).toHaveLength(1);
  traces.closed(sessions[0] as FakeSession);
  const next = new FakeSession("next", "alice");
  traces.opening("demo/chat", next);
  expect(next.tap).toBeDefined();
  end();
  end();
  expect([sessions, [next]].flat().filter(({ tap }) => tap !== undefined)).toEqual([]);
  expect(out.ends()).toBe(1);
});

test("a session that has no trace any more is not looked at", () => {
  const traces = new FrameTraces(new FakeClock());
  const [session] = many(1, "alice") as [FakeSession];
  const [one, two] = [sink(), sink()];
  const ends = [one, two].map((out) => traces.start(query("client=alice"), [proxy([session])], out));
  const both = session.tap;
  ends[0]?.();
  expect([both === session.tap, session.tap === undefined]).toEqual([false, false]);
  ends[1]?.();
  expect(session.tap).toBe(undefined);
});

test("a trace with payload has no session of a proxy that does not show it", () => {
  const traces = new FrameTraces(new FakeClock());
  const [bare, full] = [sink(), sink()];
  traces.start(query("client=alice"), [proxy([])], bare);
  const [first, second] = [new FakeSession("1", "alice"), new FakeSession("2", "alice")];
  traces.opening("demo/other", first);
  expect(first.tap).toBeDefined();
  traces.hidePayload("demo/chat");
  traces.start(query("client=alice&payload=9"), [proxy([])], full);
  const shared = new FakeSession("3", "bob");
  traces.opening("demo/other", shared);
  traces.opening("demo/chat", second);
  traces.hidePayload("demo/other");
  expect([bare.ends(), full.ends()]).toEqual([0, 0]);
  traces.hidePayload("demo/chat");
  expect([bare.ends(), full.ends()]).toEqual([0, 1]);
});

test("among 10,000 sessions those of a client are found in less than 20 ms", async () => {
  const sessions = [...many(9000, "bob"), ...many(1000, "alice")];
  const round = async () => {
    const traces = new FrameTraces(systemClock);
    const begun = performance.now();
    const end = traces.start(query("client=alice"), [proxy(sessions)], sink());
    const millis = performance.now() - begun;
    end();
    return { millis };
  };
  expect(await tooMuchInEachRound({ millis: 20 }, round)).toEqual({});
});
