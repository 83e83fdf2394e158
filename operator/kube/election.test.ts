import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { Electors, type Trouble } from "../../test/fakes/electors.ts";
import { kubeBench, type KubeBench } from "../../test/fakes/kube-bench.ts";
import { until } from "../../test/fakes/sockets.ts";
import type { ApiError } from "./api-error.ts";
import { Election } from "./election.ts";
import { fenced } from "./fence.ts";

const HOUR = 3_600_000;
const FIRST = expect.stringMatching(/^[1-3]00 0$/) as string;

/** Lets time pass; nobody ever leads beside another. Returns who led when, as `from who`. */
async function watched(electors: Electors, ms: number): Promise<string[]> {
  const story: string[] = [];
  let last: number | undefined;
  await electors.pass(ms, () => {
    expect(electors.leaders.length, `leaders at ${electors.at}: ${electors.leaders.join()}`).toBeLessThanOrEqual(1);
    expect(electors.working.length, `terms at ${electors.at}: ${electors.working.join()}`).toBeLessThanOrEqual(1);
    const [leader] = electors.leaders;
    if (leader !== last) story.push(`${electors.at} ${leader ?? "nobody"}`);
    last = leader;
  });
  return story;
}

describe("of three", () => {
  test("one leads, for as long as it can", async () => {
    const electors = new Electors(3);
    expect(await watched(electors, 120_000)).toEqual([FIRST]);
    expect(electors.lease?.spec).toMatchObject({
      holderIdentity: "operator-0",
      leaseTransitions: 0,
      leaseDurationSeconds: 15,
    });
  });

  test("the leader that stops gives the lease back, and another leads at once", async () => {
    const electors = new Electors(3);
    await watched(electors, 10_000);
    electors.all[0]?.abort.abort();
    expect(electors.leaders).toEqual([0]); // until its work has ended
    const [next] = await watched(electors, 10_000);
    expect(next).toMatch(/^1[0-2]\d00 [12]$/);
    expect(electors.all[0]?.ended).toBe(true);
    expect(electors.lease?.spec.leaseTransitions).toBe(1);
  });

  test("the leader whose process ended without a word is followed after the lease ran out", async () => {
    const electors = new Electors(3, [{ who: 0, at: 20_000, length: HOUR, what: "stall" }]);
    const story = await watched(electors, 60_000);
    expect(story.slice(0, 2)).toEqual([FIRST, expect.stringMatching(/^(2[89]|30)\d00 nobody$/)]);
    expect(story[2]).toMatch(/^3[4-7]\d00 [12]$/);
    expect(story).toHaveLength(3);
  });

  test("the leader that cannot reach the API server stops before another can lead", async () => {
    const electors = new Electors(3, [{ who: 0, at: 20_000, length: HOUR, what: "calls lost" }]);
    const story = await watched(electors, 60_000);
    expect(story).toHaveLength(3);
    expect(electors.all[0]?.term?.aborted).toBe(true);
    expect(electors.all[0]?.ended).toBe(false);
  });

  test("a leader that wakes from a long stall leads no more from its first instant on", async () => {
    const electors = new Electors(3, [{ who: 0, at: 20_000, length: 20_000, what: "stall" }]);
    await watched(electors, 39_900);
    expect(electors.all[0]?.term?.aborted).toBe(false);
    expect(electors.leaders).not.toEqual([0]);
    await watched(electors, 100);
    expect(electors.all[0]?.term?.aborted).toBe(true);
    await watched(electors, 30_000);
  });

  test.each(["calls lost", "answers lost", "stall"] as const)(
    "a short trouble (%s for 5 s) ends no term",
    async (what) => {
      const electors = new Electors(3, [{ who: 0, at: 20_000, length: 5000, what }]);
      expect(await watched(electors, 60_000)).toEqual([FIRST]);
    },
  );

  test("a lease that somebody deletes is not taken while its holder may still believe in it", async () => {
    const electors = new Electors(3, [{ who: 0, at: 20_000, length: HOUR, what: "calls lost" }]);
    await watched(electors, 20_500);
    electors.lease = undefined;
    const story = await watched(electors, 40_000);
    expect(story.map((line) => line.split(" ")[1])).toEqual(["0", "nobody", expect.stringMatching(/[12]/)]);
    expect(Number(story[2]?.split(" ")[0])).toBeGreaterThan(35_000);
  });

  test("nobody is led astray by a lease that was deleted twice", async () => {
    const electors = new Electors(3, [{ who: 0, at: 25_585, length: 34_316, what: "stall" }]);
    for (const at of [10_000, 59_902]) electors.world.after(at, () => (electors.lease = undefined));
    await watched(electors, 100_000);
    expect(electors.leaders).toHaveLength(1);
  });

  test("a lease that says a longer time is believed", async () => {
    const electors = new Electors(2);
    await watched(electors, 5000);
    await electors.pass(100);
    const { lease } = electors;
    if (lease === undefined) throw new Error("no lease");
    const foreign = { ...lease.spec, holderIdentity: "an older release", leaseDurationSeconds: 40 };
    electors.lease = { metadata: { ...lease.metadata, resourceVersion: "foreign" }, spec: foreign };
    const story = await watched(electors, 60_000);
    expect(story.at(-1)).toMatch(/^4[5-9]\d00 \d$/);
  });
});

test("whatever befalls three of them, two never lead at a time, and one leads in the end", async () => {
  const trouble: fc.Arbitrary<Trouble> = fc.record({
    who: fc.nat(2),
    at: fc.integer({ min: 3000, max: 70_000 }),
    length: fc.integer({ min: 100, max: 40_000 }),
    what: fc.oneof(
      fc.constantFrom("stall" as const, "calls lost" as const, "answers lost" as const),
      fc.record({ slow: fc.integer({ min: 100, max: 14_000 }) }),
    ),
  });
  const deeds = fc.array(
    fc.record({ at: fc.integer({ min: 10_000, max: 70_000 }), deed: fc.constantFrom("delete", "touch") }),
    {
      maxLength: 3,
    },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(trouble, { maxLength: 8 }), deeds, async (troubles, all) => {
      const electors = new Electors(3, troubles);
      for (const { at, deed } of all) {
        electors.world.after(at, () => {
          if (deed === "delete") electors.lease = undefined;
          else if (electors.lease !== undefined) {
            const metadata = { ...electors.lease.metadata, resourceVersion: `touched-${at}` };
            electors.lease = { ...electors.lease, metadata };
          }
        });
      }
      await watched(electors, 115_000);
      await watched(electors, 60_000);
      expect(electors.leaders).toHaveLength(1);
      for (const { abort } of electors.all) abort.abort();
      await electors.pass(5000);
      expect(electors.all.every(({ ended }) => ended)).toBe(true);
    }),
    { numRuns: 40 },
  );
});

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

  test("the time of a term counts from before the call that won it", async () => {
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

  test("a renewal whose answer is lost ends no term", async () => {
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

  test("an outage is told once, not with each try", async () => {
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

  test("somebody else's name in the lease ends the term at once", async () => {
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

  test("a fault of whoever leads comes out, and the lease is given back", async () => {
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
  test("lets reads through always, and writes only while we surely lead, and no longer", async () => {
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
