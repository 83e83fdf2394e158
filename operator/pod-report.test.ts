import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../runtime/clock.ts";
import { TestGateway } from "../test/fakes/gateway.ts";
import { configOf, endpointsOf } from "../test/fakes/config.ts";
import { ipv6 } from "../test/fakes/ipv6.ts";
import { askPods, type PodReport } from "./pod-report.ts";

/** What the operator makes of a pod's answer. */
async function told(body: string | undefined, status = 200, address = "127.0.0.1"): Promise<PodReport | undefined> {
  const server = createServer((request, response) => {
    if (body === undefined) request.socket.destroy();
    else response.writeHead(request.url === "/config" ? status : 404).end(body);
  }).listen(0, address);
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return askPods(port, systemClock)(address, "test/proxy", new AbortController().signal);
}

test("what a data plane says is understood: what it serves, and why it serves nothing newer", async () => {
  const gateway = new TestGateway();
  onTestFinished(() => gateway.close());
  await gateway.serve({}, [1]);
  const good = await told((await gateway.admin("/config")).body);
  expect(good).toEqual({
    hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    endpointsHash: expect.stringMatching(/^[0-9a-f]{64}$/),
    rejected: undefined,
  });
  await gateway.apply({ ...configOf(), fromTheFuture: 1 } as never, endpointsOf([1]));
  const report = await told((await gateway.admin("/config")).body);
  expect(report).toMatchObject({ ...good, rejected: { stage: "config" } });
  expect(report?.rejected?.hash).not.toBe(good?.hash);
  expect(report?.rejected?.problems.join()).toContain("fromTheFuture");
});

test.skipIf(!ipv6)("a pod of an IPv6 cluster is asked at its address", async () => {
  const report = await told(JSON.stringify([{ proxy: "test/proxy", hash: "h", endpointsHash: "e" }]), 200, "::1");
  expect(report).toMatchObject({ hash: "h", endpointsHash: "e" });
});

test("a pod that has never served anything says why", async () => {
  const rejected = { hash: "h", stage: "listener", problems: ["the port is taken"] };
  expect(await told(JSON.stringify([{ proxy: "test/proxy", rejected }]))).toEqual({
    hash: undefined,
    endpointsHash: undefined,
    rejected,
  });
});

test.each([
  ["no answer", undefined],
  ["an answer that is no JSON", "<html>"],
  ["an answer about nothing", "[]"],
  ["an answer about another proxy", JSON.stringify([{ proxy: "test/another", hash: "h", endpointsHash: "e" }])],
  ["an answer of another form", '{"proxy":"test/proxy"}'],
  ["nonsense in a list", '[null, 1, "x"]'],
])("%s is none", async (_what, body) => {
  expect(await told(body)).toBeUndefined();
});

test("an answer with another status is none, and one without sense says nothing", async () => {
  expect(await told(JSON.stringify([{ proxy: "test/proxy", hash: "h", endpointsHash: "e" }]), 503)).toBeUndefined();
  const odd = [{ proxy: "test/proxy", hash: 1, rejected: { hash: "h", stage: "elsewhere", problems: [] } }];
  expect(await told(JSON.stringify(odd))).toEqual({ hash: undefined, endpointsHash: undefined, rejected: undefined });
});
