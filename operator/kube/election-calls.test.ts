import { describe, expect, onTestFinished, test } from "vitest";
import { kubeBench, type KubeBench } from "../../test/fakes/kube-bench.ts";
import { until } from "../../test/fakes/sockets.ts";
import type { ApiError } from "./api-error.ts";
import { Election } from "./election.ts";
import { fenced } from "./fence.ts";

interface Bench extends KubeBench {
  readonly election: Election;
  readonly terms: AbortSignal[];
  readonly abort: AbortController;
  readonly running: Promise<void>;
}

async function elected(lead: (term: AbortSignal) => Promise<void> = untilAborted): Promise<Bench> {
  const bench = await kubeBench();
  const { clock, log, recording: client } = bench;
  const terms: AbortSignal[] = [];
  const election = new Election({
    client,
    namespace: "ns",
    name: "operator",
    identity: "me",
    clock,
    log,
    random: () => 0,
  });
  const abort = new AbortController();
  const running = election.run(abort.signal, (term) => {
    terms.push(term);
    return lead(term);
  });
  running.catch(() => {});
  onTestFinished(() => abort.abort());
  return { ...bench, election, terms, abort, running };
}

const untilAborted = (term: AbortSignal): Promise<void> =>
  new Promise((resolve) => term.addEventListener("abort", () => resolve(), { once: true }));

const leaseOf = ({ server }: Bench) => server.get("Lease", "ns", "operator");
const idle = (its: Bench): Promise<void> =>
  until("it waits", () => its.recording.underWay === 0 && its.clock.pending === 1);

describe("over HTTP", () => {
  test("a lease is made, renewed and given back, with nothing left behind", async () => {
    const its = await elected();
    await until("it leads", () => its.terms.length === 1);
    await idle(its);
    expect(leaseOf(its)?.["spec"]).toEqual({
      holderIdentity: "me",
      leaseDurationSeconds: 15,
      acquireTime: "2026-01-01T00:00:00.000000Z",
      renewTime: "2026-01-01T00:00:00.000000Z",
      leaseTransitions: 0,
    });
    its.clock.advance(2000);
    await idle(its);
    expect(leaseOf(its)?.["spec"]).toMatchObject({ renewTime: "2026-01-01T00:00:02.000000Z" });
    expect(its.election.remaining).toBe(10_000);
    its.abort.abort();
    expect(its.terms[0]?.aborted).toBe(true);
    await its.running;
    expect(leaseOf(its)?.["spec"]).toMatchObject({ holderIdentity: "", leaseDurationSeconds: 1 });
    expect(its.election.leading).toBe(false);
    expect(its.clock.pending).toBe(0);
  });

  test("the time of a term counts from when its first write began", async () => {
    const its = await kubeBench();
    const election = new Election({
      ...its,
      client: its.client,
      namespace: "ns",
      name: "operator",
      identity: "me",
      random: () => 0,
    });
    let release = (): void => {};
    its.server.fail("POST", { hold: new Promise((resolve) => (release = resolve)) });
    const abort = new AbortController();
    const running = election.run(abort.signal, untilAborted);
    await until("it writes", () => its.server.writes.length === 1);
    its.clock.advance(4000);
    release();
    await until("it leads", () => election.leading);
    expect(election.remaining).toBe(6000);
    abort.abort();
    await running;
  });

  test("a renewal ends no term if only its answer is lost", async () => {
    const its = await elected();
    await until("it leads", () => its.terms.length === 1);
    its.server.fail("PUT", "answer lost");
    for (let rounds = 0; rounds < 6; rounds += 1) {
      await idle(its);
      its.clock.advance(2000);
    }
    await idle(its);
    expect(its.terms).toHaveLength(1);
    expect(its.terms[0]?.aborted).toBe(false);
    expect(its.lines).toEqual(["info leading", "warn lease not read or written; trying again"]);
  });

  test("an outage is logged once, not with each attempt", async () => {
    const its = await elected();
    await until("it leads", () => its.terms.length === 1);
    its.server.fail("", { status: 503 }, 100);
    for (let rounds = 0; rounds < 10; rounds += 1) {
      await idle(its);
      its.clock.advance(its.clock.next);
    }
    expect(its.lines).toEqual([
      "info leading",
      "warn lease not read or written; trying again",
      "info not leading any more",
    ]);
    expect(its.terms[0]?.aborted).toBe(true);
  });

  test("a term is over in time, even while a renewal is under way", async () => {
    const its = await elected();
    await until("it leads", () => its.terms.length === 1);
    await idle(its);
    its.server.fail("PUT", { status: 503 }, 3);
    for (let rounds = 0; rounds < 3; rounds += 1) {
      its.clock.advance(2000);
      await until("it tried", () => its.server.writes.length === rounds + 2);
      await idle(its);
    }
    its.server.fail("PUT", "silence");
    its.clock.advance(2000);
    await until("it tries again", () => its.server.writes.length === 5);
    its.clock.advance(1999);
    expect(its.election.leading).toBe(true);
    its.clock.advance(1);
    await until("the term is over", () => its.terms[0]?.aborted === true);
  });

  test("another process's name in the lease ends the term at once", async () => {
    const its = await elected();
    await until("it leads", () => its.terms.length === 1);
    await idle(its);
    const lease = leaseOf(its);
    if (lease === undefined) throw new Error("no lease");
    its.server.put({ ...lease, spec: { holderIdentity: "other", leaseDurationSeconds: 15 } });
    its.clock.advance(2000);
    await until("the term is over", () => its.terms[0]?.aborted === true);
    expect(its.election.leading).toBe(false);
    await idle(its);
    expect(leaseOf(its)?.["spec"]).toMatchObject({ holderIdentity: "other" });
  });

  test("run rejects with an error of the term's work, and the lease is given back", async () => {
    const its = await elected(() => Promise.reject(new Error("fault")));
    await expect(its.running).rejects.toThrow("fault");
    expect(leaseOf(its)?.["spec"]).toMatchObject({ holderIdentity: "" });
    expect(its.clock.pending).toBe(0);
  });

  test.each(["GET", "POST"])("a stop while a %s is under way ends it", async (method) => {
    const bench = await kubeBench();
    bench.server.fail(method, "silence");
    const election = new Election({ ...bench, namespace: "ns", name: "operator", identity: "me", random: () => 0 });
    const abort = new AbortController();
    const running = election.run(abort.signal, untilAborted);
    await until("it calls", () => bench.server.calls.at(-1)?.method === method);
    abort.abort();
    await running;
    expect(bench.clock.pending).toBe(0);
    expect(election.leading).toBe(false);
  });
});

describe("a fence", () => {
  test("lets reads through always, and writes only while no other process can lead", async () => {
    const its = await elected();
    const writer = fenced(its.client, () => its.election.remaining);
    const write = (): Promise<unknown> =>
      writer.request({
        method: "POST",
        path: "/api/v1/namespaces/ns/configmaps",
        body: { kind: "ConfigMap", metadata: { generateName: "a-" } },
      });
    await until("it leads", () => its.terms.length === 1);
    await idle(its);
    await write();
    its.server.fail("", "silence", 100);
    const late = write().catch((error: unknown) => error as ApiError);
    await until("the write is under way", () => its.server.writes.at(-1)?.path.endsWith("configmaps") === true);
    its.clock.advance(10_000);
    expect(await late).toMatchObject({ status: 0, reason: "TimedOut" });
    const before = its.server.writes.length;
    await expect(write()).rejects.toMatchObject({ status: 0, reason: "NotLeading" });
    expect(its.server.writes).toHaveLength(before);
    its.server.heal();
    expect(await writer.request({ path: "/api/v1/configmaps" })).toMatchObject({ kind: "List" });
  });
});
