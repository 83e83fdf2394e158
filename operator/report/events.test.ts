import { describe, expect, test } from "vitest";
import type { WebSocketProxyStatus } from "../../api/status.ts";
import { FakeClock } from "../../test/fakes/clock.ts";
import type { ObjectEvent } from "../kube/events.ts";
import type { KubeObject } from "../kube/kinds.ts";
import { StateEvents } from "./events.ts";

const { signal } = new AbortController();
const MINUTE = 60_000;
const TYPES = ["Accepted", "ResolvedRefs", "Programmed", "Ready"];
const HOLDS = new Set(["Accepted", "PartiallyAccepted", "ResolvedRefs", "Programmed", "Ready"]);

/** A status as its four reasons say. */
function statusOf(words: string, generation = 1, message = "Some words."): WebSocketProxyStatus {
  const conditions = words.split(" ").map((reason, index) => {
    const type = TYPES[index] ?? "";
    const unread = type === "ResolvedRefs" && reason === "NotAccepted";
    const status: "True" | "False" | "Unknown" = unread ? "Unknown" : HOLDS.has(reason) ? "True" : "False";
    const lastTransitionTime = "2026-01-01T00:00:00Z";
    return { type, status, reason, message, observedGeneration: generation, lastTransitionTime };
  });
  return { observedGeneration: generation, conditions };
}

const STARTS = "Accepted ResolvedRefs Pending NoReadyPods";
const SERVES = "Accepted ResolvedRefs Programmed Ready";
const ROLLS = "Accepted ResolvedRefs RollingOut Ready";
const STUCK = "Accepted ResolvedRefs RolloutStuck Ready";
const DOWN = "Accepted ResolvedRefs RollingOut NoReadyPods";

/** A proxy whose status changes, and the Events that come of it. */
class Bench {
  readonly clock = new FakeClock();
  readonly notes: string[] = [];
  readonly #events: string[] = [];
  readonly #recorder = {
    record: (_object: KubeObject, topic: string, { type, reason, note }: ObjectEvent): Promise<boolean> => {
      if (this.refuses) return Promise.resolve(false);
      this.#events.push(`${type} ${topic} ${reason}`);
      this.notes.push(note);
      return Promise.resolve(true);
    },
    forget: (uid: string) => void this.forgotten.push(uid),
  };
  readonly forgotten: string[] = [];
  refuses = false;
  uid = "uid-1";
  standing: WebSocketProxyStatus | undefined;
  teller = new StateEvents(this.#recorder, this.clock);

  /** One pass. Resolves with the time after which another one has something to tell. */
  async pass(words: string, generation = 1, message?: string): Promise<number | undefined> {
    const status = statusOf(words, generation, message);
    const proxy = { apiVersion: "v1", kind: "P", metadata: { namespace: "demo", name: "chat", uid: this.uid } };
    const wait = await this.teller.tell(proxy, status, this.standing, signal);
    this.standing = status;
    return wait;
  }

  async passes(...all: readonly string[]): Promise<void> {
    for (const words of all) await this.pass(words);
  }

  /** Another process begins to lead. */
  restart(): void {
    this.teller = new StateEvents(this.#recorder, this.clock);
  }

  /** The Events since the last call. */
  get events(): readonly string[] {
    return this.#events.splice(0);
  }
}

describe("one Event for each state that a person must know of:", () => {
  test("a new proxy is accepted, programmed and ready, and its start is no Warning", async () => {
    const bench = new Bench();
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
    const bench = new Bench();
    await bench.passes(passes[0] ?? "");
    const { events: first } = bench;
    expect(first.length).toBeGreaterThan(0);
    await bench.passes(...passes.slice(1));
    expect(bench.events).toEqual(events);
  });

  test("a message that changes its words is none", async () => {
    const bench = new Bench();
    for (const message of ["1 of 2 pods", "2 of 2 pods"]) await bench.pass(STUCK, 1, message);
    expect(bench.events).toEqual(["Normal Accepted Accepted", "Warning Programmed RolloutStuck", "Normal Ready Ready"]);
  });

  test("each generation is programmed, or stuck, once", async () => {
    const bench = new Bench();
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

test("a note is one line, and names the condition and the generation", async () => {
  const bench = new Bench();
  await bench.pass(STUCK, 7, "1 of 2 pods.\nPod a:\tno node\u0000 has\r\nroom.");
  expect(bench.notes[1]).toBe("Programmed (generation 7): 1 of 2 pods. Pod a: no node has room.");
});

describe("over 20 minutes", () => {
  test("endpoints, keys, rollouts and a backend that flaps make the Events that they should, and no other", async () => {
    const bench = new Bench();
    const told: string[] = [];
    const at = async (minute: number, words: string, generation: number): Promise<void> => {
      await bench.pass(words, generation);
      told.push(...bench.events.map((event) => `${minute} ${event}`));
    };
    for (let minute = 0; minute < 20; minute += 1) {
      if (minute === 0) for (const words of [STARTS, DOWN, ROLLS]) await at(0, words, 1);
      const generation = minute < 5 ? 1 : minute < 12 ? 2 : 3;
      // Every 2 s pods of a backend come and go, and keys change: now and then a pod is behind for 10 s.
      for (let look = 0; look < 30; look += 1) {
        if (minute === 12 && look < 15) await at(minute, look < 5 ? ROLLS : STUCK, 3);
        else if (minute === 15 && look < 5) await at(minute, DOWN, generation);
        else if (minute === 17 && look < 20) await at(minute, "Accepted ServiceNotFound Programmed Ready", generation);
        else await at(minute, look % 10 < 3 ? ROLLS : SERVES, generation);
        bench.clock.advance(2000);
      }
    }
    expect(told).toEqual([
      "0 Normal Accepted Accepted",
      "0 Normal Ready Ready",
      "0 Normal Programmed Programmed",
      "5 Normal Programmed Programmed",
      "12 Warning Programmed RolloutStuck",
      "12 Normal Programmed Programmed",
      "15 Warning Ready NoReadyPods",
      "15 Normal Ready Ready",
      "17 Warning ResolvedRefs ServiceNotFound",
      "17 Normal ResolvedRefs ResolvedRefs",
    ]);
  });

  test("a tenant that edits the spec once a second gets 25 Events and one more every 5 minutes, which say for how many they stand", async () => {
    const bench = new Bench();
    for (let second = 0; second < 1200; second += 1) {
      await bench.pass(second % 2 === 0 ? SERVES : "Invalid NotAccepted NotAccepted Ready", second);
      bench.clock.advance(1000);
    }
    expect(bench.events).toHaveLength(25 + 3);
    expect(bench.notes.at(-1)).toMatch(/^Changed \d{2,3} times since its last Event\. \w+ \(generation \d+\): /);
  });

  test("a proxy that is deleted and made again in a loop has spent what it has spent", async () => {
    const bench = new Bench();
    for (let round = 0; round < 100; round += 1) {
      bench.uid = `uid-${round}`;
      bench.standing = undefined;
      await bench.passes(STARTS, SERVES);
      bench.teller.forget("demo/chat");
    }
    expect(bench.events).toHaveLength(25);
    expect(bench.forgotten).toHaveLength(100);
  });
});

describe("what is held back", () => {
  /** 25 Events, so that the next one has to wait. */
  async function spent(): Promise<Bench> {
    const bench = new Bench();
    await bench.passes(SERVES);
    for (let n = 0; n < 11; n += 1) await bench.passes(DOWN, SERVES);
    expect(bench.events).toHaveLength(25);
    return bench;
  }

  test("is told once there is room, as it is then", async () => {
    const bench = await spent();
    expect(await bench.pass(DOWN)).toBe(5 * MINUTE);
    expect(await bench.pass(DOWN)).toBe(5 * MINUTE);
    await bench.passes(SERVES, DOWN);
    bench.clock.advance(4 * MINUTE);
    expect(await bench.pass(DOWN)).toBe(MINUTE);
    bench.clock.advance(MINUTE);
    expect(await bench.pass(DOWN)).toBeUndefined();
    expect(bench.events).toEqual(["Warning Ready NoReadyPods"]);
    expect(bench.notes.at(-1)).toBe("Changed 2 times since its last Event. Ready (generation 1): Some words.");
  });

  test("is not told if the state that was told is back", async () => {
    const bench = await spent();
    await bench.passes(DOWN, SERVES);
    bench.clock.advance(5 * MINUTE);
    expect(await bench.pass(SERVES)).toBeUndefined();
    expect(bench.events).toEqual([]);
  });
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
      const bench = new Bench();
      await bench.pass(words);
      expect(bench.events.length).toBeGreaterThan(0);
      bench.restart();
      await bench.passes(words, words);
      expect(bench.events).toEqual([]);
    }
  });

  test("goes on where the last one stopped: repaired, done, ready again", async () => {
    const bench = new Bench();
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
    const bench = new Bench();
    await bench.passes(SERVES);
    bench.standing = statusOf(DOWN); // by the other one
    expect(bench.events).toHaveLength(3);
    await bench.passes(DOWN, SERVES);
    expect(bench.events).toEqual(["Normal Ready Ready"]);
    expect(new Set(bench.forgotten)).toEqual(new Set(["uid-1"])); // the same Event may come again
  });
});

test("an Event that the API server refuses is tried again by the next pass", async () => {
  const bench = new Bench();
  bench.refuses = true;
  await bench.pass(STUCK);
  bench.refuses = false;
  await bench.passes(STUCK, STUCK);
  expect(bench.events).toEqual(["Normal Accepted Accepted", "Warning Programmed RolloutStuck", "Normal Ready Ready"]);
});
