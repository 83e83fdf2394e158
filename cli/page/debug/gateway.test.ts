import { afterEach, beforeEach, expect, test } from "vitest";
import { DebugServer } from "../../../test/fakes/debug-server.ts";
import { until } from "../../../test/fakes/sockets.ts";
import { Gateway } from "./gateway.js";
import { Answered } from "./problems.js";
import { watchEvents } from "./watch.js";

let server: DebugServer;
let gateway: Gateway;
const stay = new AbortController().signal;
const at =
  (base: string): typeof fetch =>
  (path, init) =>
    fetch(new URL(path as string, base), init);

beforeEach(async () => {
  server = await DebugServer.start();
  gateway = new Gateway(server.token, at(server.url));
});
afterEach(() => server.close());

test("asks with the token, and says the status and the words of a refusal", async () => {
  expect(await gateway.json("/config", stay)).toMatchObject({ proxies: [{ proxy: "demo/chat" }] });
  const stranger = new Gateway("wrong", at(server.url));
  await expect(stranger.json("/config", stay)).rejects.toMatchObject({
    status: 401,
    message: expect.stringMatching(/Bearer/),
  });
  await expect(gateway.json("/nowhere", stay)).rejects.toBeInstanceOf(Answered);
});

test("closes a session, with the words for its client", async () => {
  server.open("a/b?c#d");
  expect(await gateway.close("a/b?c#d", "bye & thanks; 100 %")).toMatchObject({ closed: 1 });
  expect(await gateway.close("gone", "")).toMatchObject({ closed: 0 });
  expect(server.closes).toEqual([
    { id: "a/b?c#d", reason: "bye & thanks; 100 %" },
    { id: "gone", reason: "" },
  ]);
});

test("reads a stream as it comes, over what it cannot read", async () => {
  const names: string[] = [];
  const stopped = new AbortController();
  const stream = gateway.stream(
    "/debug/events",
    { opened() {}, took: (name) => void names.push(name) },
    stopped.signal,
  );
  await until("it watches", () => names.includes("watching"));
  server.write("event: broken\ndata: {\n\n");
  server.write(`event: long\ndata: "${"x".repeat(3_000_000)}"\n\n`);
  server.handshake({ client: "alice" });
  await until("the event comes", () => names.includes("handshake"));
  expect(names).toEqual(["watching", "handshake"]);
  stopped.abort();
  await expect(stream).rejects.toThrow(/abort/i);
});

test("watches again after the stream has ended, and stops when it is told to", async () => {
  const told: string[] = [];
  const stopped = new AbortController();
  const watched = watchEvents(
    gateway,
    {
      opened: () => void told.push("opened"),
      took: (name) => void told.push(name),
      failed: (error) => void told.push(String(error)),
      ended: () => void told.push("ended"),
    },
    stopped.signal,
  );
  await until("it watches", () => told.includes("watching"));
  server.endStreams();
  await until("it watches again", () => told.length === 5);
  expect(told).toEqual(["opened", "watching", "ended", "opened", "watching"]);
  stopped.abort();
  await watched;
  await until("the gateway sees it go", () => server.watchers === 0);
});
