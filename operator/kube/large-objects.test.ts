import type { IncomingMessage } from "node:http";
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { settle } from "../../test/fakes/idp-bench.ts";
import { configMap, kubeBench } from "../../test/fakes/kube-bench.ts";
import { has, reflected, watching } from "../../test/fakes/reflector-bench.ts";
import { until } from "../../test/fakes/sockets.ts";
import { AnswerBodies } from "./answer-body.ts";
import { list } from "./collection.ts";
import { KINDS } from "./kinds.ts";

const { signal } = new AbortController();
const MIB = 1024 * 1024;
const large = (name: string, size: number): ReturnType<typeof configMap> => configMap(name, { text: "x".repeat(size) });

test("a collection of large objects is read in pages of a mebibyte, and of small ones in large pages again", async () => {
  const { server, client } = await kubeBench();
  for (let at = 100; at < 130; at += 1) server.put(large(`a-${at}`, 300_000));
  for (let at = 100; at < 900; at += 1) server.put(configMap(`b-${at}`));
  const { items } = await list(client, { kind: KINDS.ConfigMap }, signal);
  expect(items).toHaveLength(830);
  const limits = server.calls.map(({ query }) => Number(query["limit"]));
  expect(limits.slice(0, 4)).toEqual([500, 63, 8, 1]);
  expect(Math.max(...limits.slice(4, 20))).toBeLessThan(10);
  expect(Math.max(...limits.slice(-3))).toBeGreaterThan(50);
});

test("of an object only what the collection retains outlives its page", async () => {
  const { server, client } = await kubeBench();
  server.put(large("a", 1000));
  const retain = ({ metadata: { name } }: { metadata: { name: string } }) => ({ metadata: { name } });
  const { items } = await list(client, { kind: KINDS.ConfigMap, retain }, signal);
  expect(items).toEqual([{ metadata: { name: "a" } }]);
});

test("an object that is too large to read is left out of the list, and the others are there", async () => {
  const its = await reflected({}, (server) => {
    server.put(configMap("a"));
    server.put(large("b", 17 * MIB));
    server.put(configMap("c"));
  });
  await has(its, "a", "c");
  expect(its.changes).toEqual(["+a", "+c"]);
});

test("a change that makes an object too large to read takes it away, and the watch goes on", async () => {
  const its = await watching({}, (server) => {
    for (const name of ["a", "b"]) server.put(configMap(name));
  });
  its.server.put({
    ...large("b", 17 * MIB),
    metadata: { ...its.server.get("ConfigMap", "demo", "b")?.metadata, name: "b" },
  });
  await has(its, "a");
  its.server.put(configMap("c"));
  await has(its, "a", "c");
  expect(its.lines).toContain("error object is too large to be read, and left out");
  expect(its.restarts).toBe(0);
});

test("two large answers are read at a time, however many calls wait for theirs, and small answers need not wait", async () => {
  const bodies = new AnswerBodies();
  const read: string[] = [];
  const answer = (name: string, size: number) => {
    const stream = new PassThrough({ highWaterMark: MIB }) as PassThrough & IncomingMessage;
    stream.end("x".repeat(size));
    const body = bodies.read(stream, MIB, signal);
    return body.finally(() => read.push(name));
  };
  const [a, b] = await Promise.all([answer("a", 100_000), answer("b", 100_000)]);
  const waiting = answer("c", 100_000);
  await answer("small", 60_000);
  await settle();
  expect(read).toEqual(["a", "b", "small"]);
  a.release();
  a.release();
  expect((await waiting).text).toHaveLength(100_000);
  const last = answer("d", 100_000);
  await settle();
  expect(read).toEqual(["a", "b", "small", "c"]);
  b.release();
  await last;
});

test("a large answer that breaks gives its turn to the next", async () => {
  const bodies = new AnswerBodies();
  const broken = Array.from({ length: 2 }, () => new PassThrough() as PassThrough & IncomingMessage);
  const failing = broken.map((stream) => bodies.read(stream, MIB, signal).catch(() => "broken"));
  for (const stream of broken) stream.write("x".repeat(100_000));
  await settle();
  const next = new PassThrough() as PassThrough & IncomingMessage;
  next.end("x".repeat(100_000));
  const reading = bodies.read(next, MIB, signal);
  for (const stream of broken) stream.destroy(new Error("reset"));
  expect(await Promise.all(failing)).toEqual(["broken", "broken"]);
  expect((await reading).text).toHaveLength(100_000);
});

test("an answer that is longer than a call takes is a failure of that call, and its connection ends", async () => {
  const { server, client } = await kubeBench();
  // Much longer than `most`: had the whole answer come before it was found too long, its connection would stay open.
  server.put(large("a", 4 * MIB));
  const path = "/api/v1/namespaces/demo/configmaps/a";
  await expect(client.request({ path, most: 99_999, signal })).rejects.toMatchObject({ status: 0, reason: "TooLong" });
  await until("the connection is gone", () => server.openConnections === 0);
  expect(await client.request({ path, most: 5 * MIB, signal })).toMatchObject({ metadata: { name: "a" } });
});
