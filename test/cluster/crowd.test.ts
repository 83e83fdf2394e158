import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WsBackend } from "../fakes/backends.ts";
import { until } from "../fakes/sockets.ts";
import { Arrivals } from "./arrivals.ts";
import { Crowd } from "./crowd.ts";
import { Ledger } from "./ledger.ts";

/** Longer than any client waits before it connects or connects again, in ms. */
const LONG_ENOUGH = 250;

let backend: WsBackend;
let over: AbortController;
let ledger: Ledger;
let url: string;

beforeEach(async () => {
  backend = await new WsBackend().open();
  url = `ws://127.0.0.1:${backend.port}`;
  over = new AbortController();
  ledger = new Ledger();
});
afterEach(async () => {
  over.abort();
  await ledger.end();
  await backend.close();
});

const sendAway = (): void => {
  for (const client of backend.server.clients) client.close(1012);
};

test("a client that is sent away connects again under its name, until the scenario is over", async () => {
  const crowd = await Crowd.gather({ ledger, signal: over.signal }, url, 3);
  sendAway();
  await until("all are back", () => crowd.away.length === 3 && crowd.whole);
  const names = ledger.entries.map(({ as }) => as);
  expect(names.slice(3).toSorted()).toEqual(names.slice(0, 3));

  over.abort();
  sendAway();
  await until("all are out", () => ledger.live.length === 0);
  await sleep(LONG_ENOUGH);
  expect(ledger.entries).toHaveLength(6);
});

test("new clients arrive until the scenario is over", async () => {
  const arrivals = Arrivals.start({ ledger, signal: over.signal }, url, 5);
  await until("some came and left", () => ledger.ended.length > 3);
  over.abort();
  const { length } = ledger.entries;
  await sleep(LONG_ENOUGH);
  expect(ledger.entries).toHaveLength(length);
  expect(arrivals.refused).toEqual([]);
});

test("a client that leaves before its echo came is found; one that was sent away is not", async () => {
  let code = 1000;
  backend.server.removeAllListeners("connection");
  backend.server.on("connection", (client) => client.on("message", () => client.close(code)));
  const arrivals = Arrivals.start({ ledger, signal: over.signal }, url, 5);
  await until("some have heard nothing", () => arrivals.unheard.length > 3);
  await arrivals.stop();
  const { length } = arrivals.unheard;
  expect(length).toBe(arrivals.entries.length);

  code = 1012;
  const others = Arrivals.start({ ledger, signal: over.signal }, url, 5);
  await until("some were sent away", () => ledger.ended.length > length + 3);
  await others.stop();
  expect(others.unheard).toEqual([]);
});
