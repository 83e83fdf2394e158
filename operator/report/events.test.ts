import { describe, expect, test } from "vitest";
import { DOWN, EventBench, ROLLS, SERVES, STARTS, STUCK, statusOf } from "../../test/fakes/event-bench.ts";

describe("one Event for each state that a person must know of:", () => {
  test("a new proxy is accepted, programmed and ready, and its start is no Warning", async () => {
    const bench = new EventBench();
    await bench.passes(STARTS, STARTS, DOWN, ROLLS, SERVES, SERVES);
    expect(bench.events).toEqual(["Normal Accepted Accepted", "Normal Ready Ready", "Normal Programmed Programmed"]);
  });

  test.each<[what: string, passes: readonly string[], events: readonly string[]]>([
    [
      "a new proxy whose image is wrong",
      [STARTS, "Accepted ResolvedRefs RolloutStuck NoReadyPods"],
      ["Warning Programmed RolloutStuck"],
    ],
    ["keys and endpoints that change", [SERVES, ROLLS, SERVES, ROLLS, SERVES], []],
    [
      "pods of a crash loop that start again and again",
      [SERVES, ROLLS, STUCK, ROLLS, STUCK, ROLLS, STUCK],
      ["Warning Programmed RolloutStuck"],
    ],
    [
      "a rollout that was stuck and is done",
      [SERVES, STUCK, ROLLS, SERVES],
      ["Warning Programmed RolloutStuck", "Normal Programmed Programmed"],
    ],
    [
      "a rollout that is stuck for one reason and then another",
      [SERVES, STUCK, "Accepted ResolvedRefs ConfigRejected Ready"],
      ["Warning Programmed RolloutStuck", "Warning Programmed ConfigRejected"],
    ],
    [
      "an edit that is not accepted, and its repair",
      [SERVES, "Invalid NotAccepted NotAccepted Ready", SERVES],
      ["Warning Accepted Invalid", "Normal Accepted Accepted"],
    ],
    [
      "a route that is left out",
      [SERVES, "PartiallyAccepted ResolvedRefs Programmed Ready", SERVES],
      ["Warning Accepted PartiallyAccepted", "Normal Accepted Accepted"],
    ],
    [
      "a Secret that is gone, and is back",
      [SERVES, "Accepted SecretNotFound Programmed Ready", SERVES],
      ["Warning ResolvedRefs SecretNotFound", "Normal ResolvedRefs ResolvedRefs"],
    ],
    [
      "a Secret that is gone, and a bad edit meanwhile",
      [SERVES, "Accepted SecretNotFound Programmed Ready", "Invalid NotAccepted NotAccepted Ready", SERVES],
      [
        "Warning ResolvedRefs SecretNotFound",
        "Warning Accepted Invalid",
        "Normal Accepted Accepted",
        "Normal ResolvedRefs ResolvedRefs",
      ],
    ],
    [
      "a proxy whose pods are gone, and are back",
      [SERVES, DOWN, STARTS, DOWN, SERVES],
      ["Warning Ready NoReadyPods", "Normal Ready Ready"],
    ],
    [
      "a proxy that is scaled to zero",
      [SERVES, "Accepted ResolvedRefs Programmed NoReadyPods", DOWN, SERVES],
      ["Normal Ready NoReadyPods", "Normal Ready Ready"],
    ],
  ])("%s", async (_what, passes, events) => {
    const bench = new EventBench();
    await bench.passes(passes[0] ?? "");
    const { events: first } = bench;
    expect(first.length).toBeGreaterThan(0);
    await bench.passes(...passes.slice(1));
    expect(bench.events).toEqual(events);
  });

  test("a message that changes its words is none", async () => {
    const bench = new EventBench();
    for (const message of ["1 of 2 pods", "2 of 2 pods"]) await bench.pass(STUCK, 1, message);
    expect(bench.events).toEqual(["Normal Accepted Accepted", "Warning Programmed RolloutStuck", "Normal Ready Ready"]);
  });

  test("each generation is programmed, or stuck, once", async () => {
    const bench = new EventBench();
    await bench.pass(SERVES, 1);
    expect(bench.events).toHaveLength(3);
    for (const words of [ROLLS, SERVES, ROLLS, SERVES]) await bench.pass(words, 2);
    for (const words of [ROLLS, STUCK, ROLLS, STUCK]) await bench.pass(words, 3);
    for (const words of [ROLLS, STUCK]) await bench.pass(words, 4);
    expect(bench.events).toEqual([
      "Normal Programmed Programmed",
      ...["3", "4"].map(() => "Warning Programmed RolloutStuck"),
    ]);
  });
});

describe("a new proxy that is made before what it names", () => {
  const LACKS = "Accepted ServiceNotFound Pending NoReadyPods";

  test("starts without a Warning, if that comes within ten seconds", async () => {
    const bench = new EventBench();
    expect(await bench.pass(LACKS)).toBe(10_000);
    bench.clock.advance(4000);
    expect(await bench.pass("Accepted SecretNotFound Pending NoReadyPods")).toBe(6000);
    await bench.passes(SERVES);
    expect(bench.events).toEqual(["Normal Accepted Accepted", "Normal Programmed Programmed", "Normal Ready Ready"]);
    await bench.passes("Accepted ServiceNotFound Programmed Ready");
    expect(bench.events).toEqual(["Warning ResolvedRefs ServiceNotFound"]);
  });

  test("has a Warning then, if it does not come", async () => {
    const bench = new EventBench();
    await bench.pass(LACKS);
    bench.clock.advance(10_000);
    expect(await bench.pass(LACKS)).toBeUndefined();
    expect(bench.events).toEqual(["Normal Accepted Accepted", "Warning ResolvedRefs ServiceNotFound"]);
    bench.uid = "uid-2"; // deleted, and made again
    bench.standing = undefined;
    expect(await bench.pass(LACKS)).toBe(10_000);
    expect(bench.events).toEqual(["Normal Accepted Accepted"]);
  });
});

test("a note is one line, and names the condition and the generation", async () => {
  const bench = new EventBench();
  await bench.pass(STUCK, 7, "1 of 2 pods.\nPod a:\tno node\u0000 has\r\nroom.");
  expect(bench.notes[1]).toBe("Programmed (generation 7): 1 of 2 pods. Pod a: no node has room.");
});

describe("an operator that starts", () => {
  test("says nothing of what stands already", async () => {
    for (const words of [
      SERVES,
      STUCK,
      DOWN,
      "Invalid NotAccepted NotAccepted Ready",
      "Accepted SecretInvalid Programmed Ready",
    ]) {
      const bench = new EventBench();
      await bench.pass(words);
      expect(bench.events.length).toBeGreaterThan(0);
      bench.restart();
      await bench.passes(words, words);
      expect(bench.events).toEqual([]);
    }
  });

  test("goes on where the last one stopped: repaired, done, ready again", async () => {
    const bench = new EventBench();
    await bench.passes(SERVES, "Accepted SecretInvalid RolloutStuck NoReadyPods");
    expect(bench.events).toHaveLength(6);
    bench.restart();
    await bench.passes(SERVES, ROLLS, SERVES);
    expect(bench.events).toEqual([
      "Normal ResolvedRefs ResolvedRefs",
      "Normal Programmed Programmed",
      "Normal Ready Ready",
    ]);
  });

  test("and leads again learns from the status what another one told meanwhile", async () => {
    const bench = new EventBench();
    await bench.passes(SERVES);
    bench.standing = statusOf(DOWN); // by the other one
    expect(bench.events).toHaveLength(3);
    await bench.passes(DOWN, SERVES);
    expect(bench.events).toEqual(["Normal Ready Ready"]);
    expect(new Set(bench.forgotten)).toEqual(new Set(["uid-1"])); // the same Event may come again
  });
});

test("an Event that the API server refuses is tried again by the next pass", async () => {
  const bench = new EventBench();
  bench.refuses = true;
  await bench.pass(STUCK);
  bench.refuses = false;
  await bench.passes(STUCK, STUCK);
  expect(bench.events).toEqual(["Normal Accepted Accepted", "Warning Programmed RolloutStuck", "Normal Ready Ready"]);
});
