import { expect, onTestFinished, test } from "vitest";
import { FakeAdminProcess } from "../../test/fakes/admin-process.ts";
import { processTarget } from "../live/process-target.ts";
import type { Target } from "../live/target.ts";
import { MOST_SESSIONS, openSessions } from "./open-sessions.ts";

const STAYS = new AbortController().signal;

async function targetOf(process: FakeAdminProcess): Promise<Target> {
  const url = new URL(`http://127.0.0.1:${process.port}`);
  const target = await processTarget({ in: "process", url, token: process.token, tokenFile: undefined }, STAYS);
  onTestFinished(() => target.close());
  return target;
}

function page(first: number, next: string): string {
  const way = { fromClient: 0, fromBackend: 0 };
  const sessions = Array.from({ length: 1000 }, (_, index) => ({
    id: String(first + index),
    proxy: "demo/chat",
    route: "main",
    address: "192.0.2.7",
    since: "2026-01-01T00:00:00.000Z",
    messages: way,
    bytes: way,
  }));
  return JSON.stringify({ sessions, next });
}

test("a pod that never comes to an end of its pages is asked for 100,000 sessions", async () => {
  const process = await FakeAdminProcess.start();
  let asked = 0;
  process.answer = (_call, response) => {
    asked += 1;
    return response.end(page(asked, String(asked).padStart(9, "0"))) !== undefined;
  };
  const { sessions, more } = await openSessions(await targetOf(process), {}, STAYS);
  expect(sessions).toHaveLength(MOST_SESSIONS);
  expect(more).toBe(true);
  expect(asked).toBe(MOST_SESSIONS / 1000);
}, 60_000);

test("a pod whose next page is an earlier one is asked no further", async () => {
  const process = await FakeAdminProcess.start();
  process.answer = (_call, response) => response.end(page(0, "the-same")) !== undefined;
  const { sessions, more } = await openSessions(await targetOf(process), {}, STAYS);
  expect([sessions.length, more]).toEqual([2000, false]);
});
