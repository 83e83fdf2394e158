import { createServer, type AddressInfo, type Socket } from "node:net";
import { once } from "node:events";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { kubeConfigFor } from "../../test/fakes/api-server.ts";
import { FakeClock } from "../../test/fakes/clock.ts";
import { settle } from "../../test/fakes/idp-bench.ts";
import { kubeBench } from "../../test/fakes/kube-bench.ts";
import { until } from "../../test/fakes/sockets.ts";
import { ApiError } from "./api-error.ts";
import type { Call } from "./call.ts";
import { KubeClient } from "./client.ts";

const PATH = "/api/v1/namespaces/demo/configmaps";

async function failureOf(answer: Promise<unknown>): Promise<ApiError> {
  const error = await answer.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ApiError)) throw new Error(`no ApiError: ${String(error)}`);
  return error;
}

describe("a call", () => {
  test("carries its query, its body and its types, and brings the answer's JSON", async () => {
    const { server, client } = await kubeBench();
    server.fail("PATCH", { status: 200, body: '{"done":true}' });
    const call: Call = {
      method: "PATCH",
      path: `${PATH}/a`,
      query: { force: true, fieldManager: "a b", absent: undefined, limit: 3 },
      body: { text: "grüße" },
      contentType: "application/apply-patch+yaml",
      accept: "application/json;as=Table",
    };
    expect(await client.request(call)).toEqual({ done: true });
    const [seen] = server.calls;
    expect(seen).toMatchObject({ method: "PATCH", path: `${PATH}/a`, body: { text: "grüße" } });
    expect(seen?.query).toEqual({ force: "true", fieldManager: "a b", limit: "3" });
    expect(seen?.headers).toMatchObject({
      "content-type": "application/apply-patch+yaml",
      accept: "application/json;as=Table",
      "user-agent": "wsproxy-operator",
    });
  });

  test("that the server refuses fails with the server's status, reason and words", async () => {
    const { server, client } = await kubeBench();
    const error = await failureOf(client.request({ path: `${PATH}/none` }));
    expect(error).toMatchObject({ status: 404, reason: "NotFound", retryAfter: undefined });
    expect(error.message).toBe(`GET ${PATH}/none: 404 NotFound: the fake refuses: NotFound`);
    server.fail("GET", { status: 502, body: "<html>bad gateway</html>" });
    expect(await failureOf(client.request({ path: PATH }))).toMatchObject({ status: 502, reason: "Unknown" });
  });

  test.each([
    ["1", 1000],
    ["3600", 60_000],
    ["Fri, 01 Jan 2027 00:00:00 GMT", undefined],
    ["-1", undefined],
  ])("that is asked to wait (%s) says how long, within bounds", async (header, wait) => {
    const { server, client } = await kubeBench();
    server.fail("GET", { status: 429, headers: { "retry-after": header } });
    expect((await failureOf(client.request({ path: PATH }))).retryAfter).toBe(wait);
  });

  test("with an answer that is no JSON, or breaks off, fails as an ApiError with its cause", async () => {
    const { server, client } = await kubeBench();
    server.fail("GET", { status: 200, body: "{" });
    expect(await failureOf(client.request({ path: PATH }))).toMatchObject({ status: 0, reason: "Unreadable" });
    const broken = await clientOfHalfAnswers((socket) => socket.resetAndDestroy());
    expect(await failureOf(broken.request({ path: PATH }))).toMatchObject({ status: 0, reason: "Unreachable" });
  });

  test("that is not answered ends after its time, and leaves neither timer nor connection", async () => {
    const { server, client, clock } = await kubeBench();
    server.fail("GET", "silence");
    const answer = failureOf(client.request({ path: PATH, timeout: 700 }));
    await until("the call arrived", () => server.calls.length === 1);
    clock.advance(699);
    expect(clock.pending).toBe(1);
    clock.advance(1);
    const error = await answer;
    expect(error).toMatchObject({ status: 0, reason: "TimedOut" });
    expect(error.message).toContain("no answer within 700 ms");
    expect(clock.pending).toBe(0);
    await until("the connection is gone", () => server.openConnections === 0);
  });

  test("with an answer that stops half way ends after its time too", async () => {
    const clock = new FakeClock();
    let halfWay = false;
    const client = await clientOfHalfAnswers(() => (halfWay = true), clock);
    const answer = failureOf(client.request({ path: PATH, timeout: 700 }));
    await until("half of the answer was sent", () => halfWay);
    await settle();
    clock.advance(700);
    expect(await answer).toMatchObject({ status: 0, reason: "TimedOut" });
  });

  test("ends at once when it is aborted, before and while it is under way", async () => {
    const { server, client, clock } = await kubeBench();
    server.fail("GET", "silence");
    const abort = new AbortController();
    const answer = failureOf(client.request({ path: PATH, signal: abort.signal }));
    await until("the call arrived", () => server.calls.length === 1);
    abort.abort();
    expect(await answer).toMatchObject({ status: 0 });
    expect(await failureOf(client.request({ path: PATH, signal: abort.signal }))).toMatchObject({ status: 0 });
    expect(server.calls).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  test("leaves no listener on a signal that lives long", async () => {
    const { client, server } = await kubeBench();
    server.fail("GET", { status: 200, body: "{}" }, 50);
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, "addEventListener");
    const removed = vi.spyOn(signal, "removeEventListener");
    for (let count = 0; count < 50; count += 1) await client.request({ path: PATH, signal });
    expect(added).toHaveBeenCalledTimes(50);
    expect(removed).toHaveBeenCalledTimes(50);
  });

  test("to a server that is not there fails as an ApiError", async () => {
    const { server, client } = await kubeBench();
    await server.down();
    const error = await failureOf(client.request({ path: PATH }));
    expect(error).toMatchObject({ status: 0, reason: "Unreachable" });
    expect(error.message).toContain("ECONNREFUSED");
  });
});

describe("connections", () => {
  test("are shared: a hundred calls one after another need one", async () => {
    const { server, client } = await kubeBench();
    for (let count = 0; count < 100; count += 1) await client.request({ path: PATH });
    expect(server.connections).toBe(1);
  });

  test("are as many as calls at a time, and are used again", async () => {
    const { server, client } = await kubeBench();
    for (let round = 0; round < 3; round += 1) {
      await Promise.all(Array.from({ length: 8 }, () => client.request({ path: PATH })));
    }
    expect(server.connections).toBe(8);
  });

  test("of which 32 are kept when the calls are over", async () => {
    const { server, client } = await kubeBench();
    const all = (): Promise<unknown> => Promise.all(Array.from({ length: 40 }, () => client.request({ path: PATH })));
    await all();
    expect(server.connections).toBe(40);
    await new Promise(setImmediate); // a connection returns to the pool after its answer has been read
    await all();
    expect(server.connections).toBe(48);
  });

  test("that broke while idle are replaced", async () => {
    const { server, client } = await kubeBench();
    await client.request({ path: PATH });
    await server.down();
    await server.up();
    await client.request({ path: PATH }).catch(() => client.request({ path: PATH }));
    expect(server.connections).toBe(2);
  });

  test("are all gone after close", async () => {
    const { server, client } = await kubeBench();
    const abort = new AbortController();
    await client.stream({ path: PATH, query: { watch: true, resourceVersion: 1000 } }, abort.signal);
    await client.request({ path: PATH });
    expect(server.openConnections).toBe(2);
    client.close();
    await until("no connection is left", () => server.openConnections === 0);
  });
});

describe("a stream", () => {
  test("stays open after the time-out, which is for its head only", async () => {
    const { server, client, clock } = await kubeBench();
    const abort = new AbortController();
    const call: Call = { path: PATH, query: { watch: true, resourceVersion: 1000 }, timeout: 1000 };
    const body = await client.stream(call, abort.signal);
    expect(clock.pending).toBe(0);
    clock.advance(10_000);
    server.watches[0]?.line("{}");
    for await (const chunk of body) {
      expect(String(chunk)).toBe("{}\n");
      break;
    }
  });

  test("ends with its signal, read or not", async () => {
    const { server, client } = await kubeBench();
    const abort = new AbortController();
    await client.stream({ path: PATH, query: { watch: true, resourceVersion: 1000 } }, abort.signal);
    await until("it is open", () => server.watches.length === 1);
    abort.abort();
    await until("the connection is gone", () => server.openConnections === 0);
  });

  test("that the server refuses is an ApiError", async () => {
    const { server, client } = await kubeBench();
    server.fail("GET", { status: 410, reason: "Expired" });
    const { signal } = new AbortController();
    const error = await failureOf(client.stream({ path: PATH, query: { watch: true } }, signal));
    expect(error).toMatchObject({ status: 410, reason: "Expired" });
  });
});

/** A client of a server that sends half an answer, and then does something else. */
async function clientOfHalfAnswers(then: (socket: Socket) => void, clock = new FakeClock()): Promise<KubeClient> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    const half = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{";
    socket.once("data", () => socket.write(half, () => then(socket)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const client = new KubeClient(kubeConfigFor(`http://127.0.0.1:${(server.address() as AddressInfo).port}`), clock);
  onTestFinished(() => client.close());
  return client;
}
