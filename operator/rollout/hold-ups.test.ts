import { describe, expect, test } from "vitest";
import { pod, timeOf, waiting, Watched } from "../../test/fakes/rollout.ts";
import type { Container } from "../watch/pod.ts";

const a = pod("a", { ready: true });
const STUCK = { status: "False", reason: "RolloutStuck", observedGeneration: 3 };

/** The three faces of a crash loop. */
function crashing(now: number, restartCount: number) {
  const ended = { exitCode: 137, reason: "OOMKilled", finishedAt: timeOf(now) };
  const of = (state: Container["state"], ready = false) =>
    pod("b", {
      ready,
      container: { name: "dataplane", restartCount, state: state ?? {}, lastState: { terminated: ended } },
    });
  return {
    waits: of({
      waiting: { reason: "CrashLoopBackOff", message: `back-off ${restartCount * 10}s restarting failed container` },
    }),
    runs: of({}),
    isReady: of({}, true),
    ends: of({ terminated: ended }),
  };
}

const LOOP = "Pod b: CrashLoopBackOff: container dataplane ends again and again, last with exit code 137, OOMKilled.";

describe("a crash loop", () => {
  test("is told after half a minute, in whichever state its container is, and in the same words", () => {
    const its = new Watched();
    expect([its.after(0, { pods: [a, crashing(its.now, 1).waits] }).state, its.again]).toEqual(["Rolling", 30]);
    expect(its.after(10, { pods: [a, crashing(its.now, 2).runs] }).state).toBe("Rolling");
    expect(its.after(10, { pods: [a, crashing(its.now, 2).ends] }).state).toBe("Rolling");
    for (let count = 3; count < 40; count += 1) {
      for (const face of ["waits", "runs", "ends"] as const) {
        const { state, words } = its.after(10, { pods: [a, crashing(its.now, count)[face]] });
        expect([state, words]).toEqual(["Stuck", LOOP]);
      }
    }
  });

  test("whose pod is ready for a moment goes on; after half a minute it is over", () => {
    const its = new Watched();
    its.after(0, { pods: [a, crashing(its.now, 2).waits] });
    expect(its.after(31, { pods: [a, crashing(its.now, 3).isReady] }).state).toBe("Stuck");
    expect(its.again).toBe(30);
    expect(its.after(20, { pods: [a, crashing(its.now, 3).isReady] }).state).toBe("Stuck");
    expect(its.after(5, { pods: [a, crashing(its.now, 4).waits] }).state).toBe("Stuck");
    const calm = crashing(its.now, 5).isReady;
    expect(its.after(1, { pods: [a, calm] }).state).toBe("Stuck");
    expect(its.after(29, { pods: [a, calm] }).state).toBe("Stuck");
    expect(its.after(1, { pods: [a, calm] }).state).toBe("Done");
  });

  test("of long ago, and one restart, hold up no ready pod", () => {
    const its = new Watched();
    const old = crashing(its.now - 3_600_000, 9);
    expect(its.after(0, { pods: [a, old.isReady] }).state).toBe("Done");
    its.after(1, { pods: [a, old.runs] });
    expect(its.after(40, { pods: [a, old.runs] }).state).toBe("Rolling");
    const once = new Watched();
    once.after(0, { pods: [a, crashing(once.now, 1).runs] });
    expect(once.after(60, { pods: [a, crashing(once.now, 1).runs] }).state).toBe("Rolling");
  });
});

describe("a pod without a node", () => {
  const unscheduled = (words: string) => ({ pods: [a, pod("b", { unscheduled: words, phase: "Pending" })] });

  test("is told after half a minute; its words are taken anew once a minute", () => {
    const its = new Watched();
    expect(its.after(0, unscheduled("0/3 nodes")).state).toBe("Rolling");
    expect(its.after(30, unscheduled("0/3 nodes"))).toMatchObject({
      state: "Stuck",
      words: "Pod b: Unschedulable: 0/3 nodes",
    });
    expect(its.after(10, unscheduled("0/4 nodes")).words).toContain("0/3");
    expect(its.again).toBe(20);
    expect(its.after(20, unscheduled("0/4 nodes")).words).toContain("0/4");
    expect(its.after(1, unscheduled("0/5 nodes")).words).toContain("0/4");
  });

  test("that gets one goes on, and has two minutes", () => {
    const its = new Watched();
    its.after(0, unscheduled("0/3 nodes"));
    expect(its.after(300, unscheduled("0/3 nodes")).state).toBe("Stuck");
    expect(its.after(1, { pods: [a, pod("b", { container: waiting("ContainerCreating") })] }).state).toBe("Rolling");
    expect(its.again).toBe(120);
  });
});

test("an image that is not there has the words of its error, whatever the back-off says", () => {
  const its = new Watched();
  const image = (reason: string, message: string) => ({ pods: [a, pod("b", { container: waiting(reason, message) })] });
  for (let turn = 0; turn < 20; turn += 1) {
    const first = its.after(15, image("ErrImagePull", "not found"));
    const second = its.after(15, image("ImagePullBackOff", `Back-off pulling image, ${turn}`));
    expect([first.words, second.words]).toEqual(["Pod b: ErrImagePull: not found", "Pod b: ErrImagePull: not found"]);
  }
  expect(its.after(60, image("ErrImagePull", "unauthorized")).words).toBe("Pod b: ErrImagePull: unauthorized");
});

test("a container that cannot be run is told at once, and stays told while it backs off", () => {
  const its = new Watched();
  const states = [
    its.after(0, { pods: [a, pod("b", { container: waiting("RunContainerError", "no such file") })] }).state,
  ];
  states.push(its.after(1, { pods: [a, crashing(its.now, 1).waits] }).state);
  expect(states).toEqual(["Stuck", "Stuck"]);
});

describe("another operator goes on", () => {
  test.each([
    ["a crash loop between two crashes", (now: number) => crashing(now, 3).runs],
    ["a crash loop whose pod is ready for a moment", (now: number) => crashing(now, 3).isReady],
    ["a pod without a node", () => pod("b", { unscheduled: "0/3 nodes" })],
    ["a pod that is never ready", () => pod("b")],
  ])("%s: what was stuck stays stuck", (_title, make) => {
    const its = new Watched();
    expect(its.after(0, { pods: [a, make(its.now)], programmed: STUCK }).state).toBe("Stuck");
    expect(its.after(5, { pods: [a, make(its.now)], programmed: STUCK }).state).toBe("Stuck");
  });

  test("what was stuck in an earlier generation is not, and what is done is done", () => {
    const its = new Watched();
    expect(its.after(0, { pods: [a, pod("b")], programmed: { ...STUCK, observedGeneration: 2 } }).state).toBe(
      "Rolling",
    );
    its.restart();
    expect(its.after(0, { pods: [a, pod("b", { ready: true })], programmed: STUCK }).state).toBe("Done");
  });

  test("a pod more is progress", () => {
    const its = new Watched();
    its.after(0, { pods: [pod("a"), pod("b")], programmed: STUCK });
    expect(its.after(1, { pods: [a, pod("b")], programmed: STUCK }).state).toBe("Rolling");
  });
});
