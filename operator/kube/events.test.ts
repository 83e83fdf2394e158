import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { kubeBench, type KubeBench } from "../../test/fakes/kube-bench.ts";
import { Recorder, type ObjectEvent } from "./events.ts";
import type { KubeObject } from "./kinds.ts";

const { signal } = new AbortController();
const proxy: KubeObject = {
  apiVersion: "wsproxy.dev/v1alpha1",
  kind: "WebSocketProxy",
  metadata: { name: "chat", namespace: "demo", uid: "uid-9" },
};
const ready: ObjectEvent = { type: "Normal", reason: "Ready", note: "2 of 2 pods serve it" };
const waiting: ObjectEvent = { type: "Warning", reason: "Pending", note: "no pod is ready" };

async function recorded(): Promise<KubeBench & { recorder: Recorder; notes(): unknown[] }> {
  const bench = await kubeBench();
  const recorder = new Recorder(bench.client, "operator-1", bench.clock, bench.log);
  const notes = (): unknown[] => bench.server.writes.map(({ body }) => (body as { note: unknown }).note);
  return { ...bench, recorder, notes };
}

test("an Event names the object, what happened to it, and the process that reports it", async () => {
  const { server, recorder } = await recorded();
  await recorder.record(proxy, "Ready", waiting, signal);
  expect(server.calls[0]).toMatchObject({ method: "POST", path: "/apis/events.k8s.io/v1/namespaces/demo/events" });
  expect(server.calls[0]?.body).toEqual({
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    metadata: { namespace: "demo", generateName: "chat-" },
    eventTime: "2026-01-01T00:00:00.000000Z",
    reportingController: "wsproxy.dev/operator",
    reportingInstance: "operator-1",
    action: "Reconcile",
    regarding: { ...proxy.metadata, apiVersion: proxy.apiVersion, kind: proxy.kind },
    type: "Warning",
    reason: "Pending",
    note: "no pod is ready",
  });
});

test("a state is written when it begins, and again when it comes back", async () => {
  const { recorder, notes } = await recorded();
  for (const happening of [waiting, waiting, ready, ready, waiting])
    await recorder.record(proxy, "Ready", happening, signal);
  expect(notes()).toEqual([waiting.note, ready.note, waiting.note]);
});

test("topics, and objects that have a name one after the other, are kept apart", async () => {
  const { recorder, notes } = await recorded();
  await recorder.record(proxy, "Ready", waiting, signal);
  await recorder.record(proxy, "Programmed", waiting, signal);
  await recorder.record({ ...proxy, metadata: { ...proxy.metadata, uid: "uid-10" } }, "Ready", waiting, signal);
  expect(notes()).toHaveLength(3);
  recorder.forget("uid-9");
  await recorder.record(proxy, "Ready", waiting, signal);
  await recorder.record({ ...proxy, metadata: { ...proxy.metadata, uid: "uid-10" } }, "Ready", waiting, signal);
  expect(notes()).toHaveLength(4);
});

test("an Event that cannot be written makes no call fail, and is written next time", async () => {
  const { server, recorder, notes, lines } = await recorded();
  server.fail("POST", { status: 403 });
  await recorder.record(proxy, "Ready", waiting, signal);
  expect(lines).toEqual(["warn event not written"]);
  await recorder.record(proxy, "Ready", waiting, signal);
  expect(notes()).toHaveLength(2);
  await recorder.record(proxy, "Ready", waiting, signal);
  expect(notes()).toHaveLength(2);
});

test("a note is cut at 1,024 bytes, between characters", async () => {
  const { recorder, notes } = await recorded();
  await recorder.record(proxy, "a", { ...ready, note: "x".repeat(1024) }, signal);
  await recorder.record(proxy, "b", { ...ready, note: `x${"🙂".repeat(300)}` }, signal);
  expect(notes()[0]).toBe("x".repeat(1024));
  expect(notes()[1]).toBe(`x${"🙂".repeat(255)}…`);
  expect(Buffer.byteLength(String(notes()[1]))).toBe(1024);
});

test("a long name is cut where a name may end", async () => {
  const { server, recorder } = await recorded();
  const name = `${"x".repeat(199)}.${"y".repeat(20)}`;
  await recorder.record({ ...proxy, metadata: { ...proxy.metadata, name } }, "a", ready, signal);
  expect(server.calls[0]?.body).toMatchObject({ metadata: { generateName: `${"x".repeat(199)}-` } });
});

test("the last Events of 10,000 objects are remembered; that of the one before them is written again", async () => {
  const written: string[] = [];
  const counting = new Recorder(
    {
      request: (call: { body: { regarding: { name: string } } }) =>
        Promise.resolve(written.push(call.body.regarding.name)),
    } as never,
    "operator-1",
    new FakeClock(),
    { debug() {}, info() {}, warn() {}, error() {} },
  );
  const object = (n: number) => ({ ...proxy, metadata: { ...proxy.metadata, name: `chat-${n}`, uid: `uid-${n}` } });
  for (let n = 0; n <= 10_000; n += 1) await counting.record(object(n), "Ready", waiting, signal);
  await counting.record(object(10_000), "Ready", waiting, signal);
  await counting.record(object(1), "Ready", waiting, signal);
  expect(written.length).toBe(10_001);
  await counting.record(object(0), "Ready", waiting, signal);
  expect(written.slice(10_001)).toEqual(["chat-0"]);
});
