import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { LoopTurns } from "../../test/fakes/loop-turns.ts";
import { OpenSessions } from "../../test/fakes/open-sessions.ts";
import { tooMuchInEachRound } from "../../test/fakes/rounds.ts";
import { systemClock } from "../../runtime/clock.ts";
import { adminEndpoints } from "./admin.ts";
import { answerOf } from "../../test/fakes/admin-client.ts";
import { Metrics } from "../metrics.ts";
import { SessionWalks } from "./session-walks.ts";

test("a walk sees every session once, those that end meanwhile too, and leaves the event loop to others", async () => {
  const open = new OpenSessions();
  for (let count = 0; count < 100; count += 1) open.open({ proxy: `test/${count % 2}` });
  const clock = new FakeClock();
  let turns = 0;
  const count = (): void => {
    turns += 1;
    if (turns < 1000) setImmediate(count);
  };
  setImmediate(count);
  const seen: string[] = [];
  const { gateway } = open;
  await new SessionWalks(gateway, clock).inLine(async (walk) =>
    walk((session, { name, sessions }) => {
      clock.advance(1);
      sessions.delete(session);
      seen.push(`${name} ${session.id}`);
    }),
  );
  expect(new Set(seen).size).toBe(100);
  expect(seen).toHaveLength(100);
  expect(turns).toBeGreaterThanOrEqual(9);
});

test("walks come one after the other, also behind one that fails", async () => {
  const walks = new SessionWalks(new OpenSessions().gateway, systemClock);
  const did: string[] = [];
  const work = (name: string, fails = false): Promise<void> =>
    walks.inLine(async () => {
      did.push(`${name} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      did.push(`${name} ends`);
      if (fails) throw new Error(name);
    });
  const first = work("one", true);
  await Promise.all([expect(first).rejects.toThrow("one"), work("two"), work("three")]);
  expect(did).toEqual(["one begins", "one ends", "two begins", "two ends", "three begins", "three ends"]);
});

test("with 10,000 sessions nothing that is asked of them holds the event loop for 20 ms", async () => {
  const open = new OpenSessions();
  for (let count = 0; count < 10_000; count += 1) open.open({ client: `client-${count % 1000}` });
  const endpoints = adminEndpoints(open.gateway, new Metrics(), systemClock);
  const turns = new LoopTurns();
  const ask = async (path: string, query: string): Promise<number> => {
    const endpoint = endpoints[path] ?? expect.fail(path);
    turns.longest();
    const answers = await Promise.all(Array.from({ length: 5 }, () => answerOf(endpoint, query)));
    const longest = turns.longest();
    for (const { status } of answers) expect([query, status]).toEqual([query, 200]);
    return longest;
  };
  const round = async (): Promise<Record<string, number>> => ({
    page: await ask("/sessions", "limit=1000"),
    last: await ask("/sessions", "limit=1000&after=f"),
    client: await ask("/sessions", "client=client-7"),
    none: await ask("/sessions", "client=none"),
    close: await ask("/sessions/close", "client=none"),
  });
  const bound = 20;
  const most = { page: bound, last: bound, client: bound, none: bound, close: bound };
  expect(await tooMuchInEachRound<Record<string, number>>(most, round)).toEqual({});
});

test("10,000 sessions of a route are closed without holding the event loop for 20 ms", async () => {
  const turns = new LoopTurns();
  const round = async (): Promise<{ turn: number }> => {
    const open = new OpenSessions();
    for (let count = 0; count < 10_000; count += 1) open.open({ route: count % 10 === 0 ? "other" : "chat" });
    const endpoints = adminEndpoints(open.gateway, new Metrics(), systemClock);
    await new Promise((resolve) => setTimeout(resolve, 10));
    turns.longest();
    const { status } = await answerOf(endpoints["/sessions/close"] ?? expect.fail("no path"), "route=chat&reason=Bye");
    const turn = turns.longest();
    expect([status, open.told.length]).toEqual([200, 9000]);
    expect(open.audited).toMatchObject([{ route: "chat", closed: 9000 }]);
    return { turn };
  };
  expect(await tooMuchInEachRound({ turn: 20 }, round)).toEqual({});
});
