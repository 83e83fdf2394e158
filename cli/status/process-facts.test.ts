import type { ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { FakeAdminProcess } from "../../test/fakes/admin-process.ts";
import { processTarget } from "../live/process-target.ts";
import type { Place, Target } from "../live/target.ts";
import { allFacts } from "./process-facts.ts";

const STAYS = new AbortController().signal;

async function placeOf(process: FakeAdminProcess): Promise<Place> {
  const url = new URL(`http://127.0.0.1:${process.port}`);
  const target = await processTarget({ in: "process", url, token: process.token, tokenFile: undefined }, STAYS);
  const [place] = await target.places(STAYS);
  if (place === undefined) throw new Error("no place");
  return place;
}

/** A gateway of many pods that are one process. */
function many(place: Place, count: number): Target {
  const places = Array.from({ length: count }, (_, index) => named(place, `pod-${String(index).padStart(2, "0")}`));
  return { title: "demo/chat", single: false, places: () => Promise.resolve(places), close: () => {} };
}

function named(place: Place, name: string): Place {
  return Object.create(place, {
    name: { value: name },
    id: { value: name },
    connect: { value: place.connect.bind(place) },
  }) as Place;
}

/** Lets a process serve nothing, and tell what `stream` writes. */
function says(process: FakeAdminProcess, stream: (response: ServerResponse) => void): void {
  process.answer = ({ path }, response) => {
    if (path === "/config") response.end('{"proxies":[],"more":0}');
    else if (path === "/metrics") response.end("wsproxy_descriptors_limit 5\nwsproxy_descriptors_used 1\n");
    else stream(response.writeHead(200, { "content-type": "text/event-stream" }));
    return true;
  };
}

const event = (reason: string, status: number, at: string): string =>
  `event: handshake\ndata: ${JSON.stringify({ at, proxy: "demo/chat", reason, status, past: true })}\n\n`;

test("kept refusals are counted by reason, with the newest of each, and the stream is closed", async () => {
  const process = await FakeAdminProcess.start();
  const now = new Date().toISOString();
  let open = 0;
  says(process, (response) => {
    open += 1;
    response.on("close", () => (open -= 1));
    response.write("event: watching\ndata: {}\n\nevent: handshake\ndata: {nonsense\n\nevent: other\ndata: 1\n\n");
    response.write(event("Denied", 403, "2020-01-01T00:00:00.000Z") + event("Denied", 403, now));
    response.write(event("Overloaded", 503, now));
  });
  const { processes } = await allFacts(many(await placeOf(process), 1), STAYS);
  expect(processes[0]?.gaps).toEqual([]);
  expect(processes[0]?.refusals).toMatchObject([
    { reason: "Denied", count: 2, recent: 1, newest: { at: now } },
    { reason: "Overloaded", status: 503, count: 1, recent: 1 },
  ]);
  await expect.poll(() => open).toBe(0);
});

test("a process that tells of refusals without end is read for 200 of them, and 64 reasons", async () => {
  const process = await FakeAdminProcess.start();
  says(process, (response) => {
    let told = 0;
    const more = (): void => {
      if (response.destroyed) return;
      for (let index = 0; index < 50; index += 1) response.write(event(`R${(told += 1)}`, 400, "2020-01-01T00:00:00Z"));
      setTimeout(more, 1);
    };
    more();
  });
  const { processes } = await allFacts(many(await placeOf(process), 1), STAYS);
  expect(processes[0]?.refusals).toHaveLength(64);
});

test("a process that sends on and on without a refusal is read for 2 s", async () => {
  const process = await FakeAdminProcess.start();
  says(process, (response) => {
    const timer = setInterval(() => response.write("event: limit\ndata: {}\n\n"), 20);
    response.on("close", () => clearInterval(timer));
  });
  const { processes } = await allFacts(many(await placeOf(process), 1), STAYS);
  expect(processes[0]?.refusals).toEqual([]);
  expect(processes[0]?.gaps).toEqual([]);
});

test("of many slow pods some are not asked any more, and each is named", async () => {
  const process = await FakeAdminProcess.start();
  process.answer = () => true;
  const target = many(await placeOf(process), 40);
  const { processes } = await allFacts(target, STAYS, { pod: 100, all: 150 });
  expect(processes).toHaveLength(40);
  const words = processes.map(({ gaps }) => gaps.map(({ message }) => message).join());
  expect(words[0]).toBe("pod-00 gives no answer within 0.1 s");
  expect(words[39]).toBe("pod-39 was not asked: too many others were slow");
});

test("a part that a process does not answer leaves the others", async () => {
  const process = await FakeAdminProcess.start();
  says(process, () => {});
  const { answer } = process;
  process.answer = (call, response) => {
    if (call.path !== "/debug/events") return answer?.(call, response) ?? false;
    response.writeHead(503).end("5 streams are open already\n");
    return true;
  };
  const { processes } = await allFacts(many(await placeOf(process), 1), STAYS);
  expect(processes[0]?.metrics?.descriptors).toEqual({ used: 1, limit: 5 });
  expect(processes[0]?.refusals).toBeUndefined();
  expect(processes[0]?.gaps.map(({ message }) => message)).toEqual(["pod-00 answers 503: 5 streams are open already"]);
});
