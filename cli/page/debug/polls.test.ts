import { afterEach, beforeEach, expect, test } from "vitest";
import { DebugServer } from "../../../test/fakes/debug-server.ts";
import { until } from "../../../test/fakes/sockets.ts";
import { readHandshake } from "./events.js";
import { Gateway } from "./gateway.js";
import { Polls } from "./polls.js";
import type { Counts, Rates } from "./totals.js";

const each = { page: 1, round: 20, metrics: 20, config: 20 };
let server: DebugServer;
let stopped: AbortController;
beforeEach(async () => {
  server = await DebugServer.start();
  stopped = new AbortController();
});
afterEach(async () => {
  stopped.abort();
  await server.close();
});

/** Polls, and what they were told. */
function polls(isSeen = () => true) {
  const told = {
    pages: [] as number[],
    rounds: 0,
    counts: [] as Counts[],
    rates: [] as (Rates | undefined)[],
    served: [] as (number | undefined)[],
    silent: [] as string[][],
    unserved: 0,
  };
  const gateway = new Gateway(server.token, (path, init) => fetch(new URL(path as string, server.url), init));
  const it = new Polls(
    gateway,
    {
      listed: (sessions) => void told.pages.push(sessions.length),
      listedAll: (_begun, silent) => {
        told.rounds += 1;
        told.silent.push([...silent]);
      },
      counted: (counts, rates) => {
        told.counts.push(counts);
        told.rates.push(rates);
      },
      served: (served, failures) =>
        void told.served.push(...served.map(({ generation }) => generation), ...failures.map(() => undefined)),
      unserved: () => void (told.unserved += 1),
    },
    stopped.signal,
    { each, isSeen },
  );
  return { it, told };
}

test("all sessions are read page by page, again and again", async () => {
  for (let at = 0; at < 2500; at += 1) server.open(`s-${String(at).padStart(4, "0")}`);
  const { told } = polls();
  await until("two rounds are over", () => told.rounds === 2);
  expect(told.pages.slice(0, 6)).toEqual([1000, 1000, 500, 1000, 1000, 500]);
  await until("the generation is known", () => told.served[0] === 7);
});

test("the head line is made of the metrics, and of the list where there are none", async () => {
  server.metrics = "wsproxy_connections 42\n";
  server.open("s-1", { messages: { fromClient: 3, fromBackend: 4 } });
  const { it, told } = polls();
  await until("rates are known", () => told.rates[1] !== undefined);
  expect(told.counts[1]).toMatchObject({ open: 42, messages: 0 });
  server.metrics = undefined;
  it.handshake(readHandshake({ status: 401, reason: "Denied" }));
  await until("the list is counted", () => told.counts.at(-1)?.open === 1);
  expect(told.counts.at(-1)).toMatchObject({ open: 1, messages: 7, refused: 1, buffered: undefined });
});

test("pods that did not answer are told with the round, and where no config is known that is told", async () => {
  server.failures = [{ pod: "chat-b", message: "timeout" }];
  const { told } = polls();
  await until("a round is over", () => told.rounds > 0 && told.served.length > 0);
  expect([told.silent[0], told.served.slice(0, 2), told.unserved]).toEqual([["chat-b"], [7, undefined], 0]);
  server.config = undefined;
  await until("no config is known", () => told.unserved > 0);
});

test("a gateway that is gone for a time is asked again", async () => {
  const { told } = polls();
  await until("a round is over", () => told.rounds > 0);
  const { port } = server;
  await server.close();
  server = await DebugServer.start(port);
  const before = told.rounds;
  await until("there are more rounds", () => told.rounds > before + 1);
});

test("nothing is asked after the end", async () => {
  const { told } = polls();
  await until("a round is over", () => told.rounds > 0);
  stopped.abort();
  const before = server.requests;
  await new Promise((later) => setTimeout(later, 100));
  expect(server.requests - before).toBeLessThanOrEqual(3);
});
