import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Electors, type Trouble } from "../../test/fakes/electors.ts";

const HOUR = 3_600_000;
const FIRST = expect.stringMatching(/^[1-3]00 0$/) as string;

/** Lets time pass, and checks that two processes never lead at once. Returns each change of leader: `<time> <process or none>`. */
async function watched(electors: Electors, ms: number): Promise<string[]> {
  const story: string[] = [];
  let last: number | undefined;
  await electors.pass(ms, () => {
    expect(electors.leaders.length, `leaders at ${electors.at}: ${electors.leaders.join()}`).toBeLessThanOrEqual(1);
    expect(electors.working.length, `terms at ${electors.at}: ${electors.working.join()}`).toBeLessThanOrEqual(1);
    const [leader] = electors.leaders;
    if (leader !== last) story.push(`${electors.at} ${leader ?? "none"}`);
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

  test("after the leader's process was killed, another leads once the lease has run out", async () => {
    const electors = new Electors(3, [{ index: 0, at: 20_000, length: HOUR, what: "stall" }]);
    const story = await watched(electors, 60_000);
    expect(story.slice(0, 2)).toEqual([FIRST, expect.stringMatching(/^(2[89]|30)\d00 none$/)]);
    expect(story[2]).toMatch(/^3[4-7]\d00 [12]$/);
    expect(story).toHaveLength(3);
  });

  test("the leader that cannot reach the API server stops before another can lead", async () => {
    const electors = new Electors(3, [{ index: 0, at: 20_000, length: HOUR, what: "calls lost" }]);
    const story = await watched(electors, 60_000);
    expect(story).toHaveLength(3);
    expect(electors.all[0]?.term?.aborted).toBe(true);
    expect(electors.all[0]?.ended).toBe(false);
  });

  test("a leader that wakes from a long stall no longer leads", async () => {
    const electors = new Electors(3, [{ index: 0, at: 20_000, length: 20_000, what: "stall" }]);
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
      const electors = new Electors(3, [{ index: 0, at: 20_000, length: 5000, what }]);
      expect(await watched(electors, 60_000)).toEqual([FIRST]);
    },
  );

  test("a lease that was deleted is not taken while its holder may still lead", async () => {
    const electors = new Electors(3, [{ index: 0, at: 20_000, length: HOUR, what: "calls lost" }]);
    await watched(electors, 20_500);
    electors.lease = undefined;
    const story = await watched(electors, 40_000);
    expect(story.map((line) => line.split(" ")[1])).toEqual(["0", "none", expect.stringMatching(/[12]/)]);
    expect(Number(story[2]?.split(" ")[0])).toBeGreaterThan(35_000);
  });

  test("after a lease was deleted twice, one process leads", async () => {
    const electors = new Electors(3, [{ index: 0, at: 25_585, length: 34_316, what: "stall" }]);
    for (const at of [10_000, 59_902]) electors.world.after(at, () => (electors.lease = undefined));
    await watched(electors, 100_000);
    expect(electors.leaders).toHaveLength(1);
  });

  test("a lease with a longer duration than ours is respected", async () => {
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

test("whatever goes wrong for three processes, two never lead at a time, and one leads in the end", async () => {
  const trouble: fc.Arbitrary<Trouble> = fc.record({
    index: fc.nat(2),
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
