import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { NO_PODS } from "../../test/fakes/pod-state.ts";
import type { PodState } from "../pods/dataplane-pods.ts";
import type { Container, Pod } from "../watch/pod.ts";
import type { StandingCondition } from "./rollout.ts";
import { Rollouts } from "./rollouts.ts";

const podOf = (name: string, sidecar?: Container): Pod => ({
  metadata: { name, namespace: "demo", uid: name },
  adminPort: 9090,
  status: {
    phase: "Running",
    podIP: "10.0.0.1",
    ...(sidecar === undefined ? {} : { initContainerStatuses: [{ ...sidecar, name: "wsproxy" }] }),
  },
});
const standing = (reason: string, observedGeneration = 3): StandingCondition => {
  return { reason, status: reason === "Programmed" ? "True" : "False", observedGeneration };
};
const TWO = [podOf("one"), podOf("two")];
const STARTS: Container = { state: { waiting: { reason: "PodInitializing" } } };
const NO_IMAGE: Container = { state: { waiting: { reason: "ErrImagePull", message: "not found" } } };

interface Scene {
  readonly pods?: readonly Pod[];
  readonly state?: Partial<PodState>;
  readonly programmed?: StandingCondition;
  readonly generation?: number;
}

function bench() {
  const clock = new FakeClock();
  let rollouts = new Rollouts(clock);
  const after = (seconds: number, { pods = TWO, state = {}, programmed, generation = 3 }: Scene = {}) => {
    clock.advance(seconds * 1000);
    const facts = { generation, pods, state: { ...NO_PODS, ...state }, programmed };
    const { rollout, again } = rollouts.lookInjected("demo/chat", facts);
    return [rollout.state, `${rollout.done} of ${rollout.wanted}`, rollout.behind.join(), rollout.words, again];
  };
  return { after, restart: () => void (rollouts = new Rollouts(clock)) };
}

test("injected pods are done when each that is to serve reports what it is to; none are done as well", () => {
  const { after } = bench();
  expect(after(0)).toEqual(["Done", "2 of 2", "", "", undefined]);
  expect(after(0, { pods: [] })).toEqual(["Done", "0 of 0", "", "", undefined]);
  expect(after(0, { pods: [podOf("one"), podOf("two", STARTS)] })).toEqual(["Done", "1 of 1", "", "", undefined]);
});

test("a pod that serves an earlier generation, is late or was never seen to serve is behind", () => {
  const { after } = bench();
  for (const which of ["outdated", "late", "unproven"] as const) {
    expect(after(0, { state: { [which]: ["two"] } }).slice(0, 3)).toEqual(["Rolling", "1 of 2", "two"]);
  }
});

test("what the status that stands says is believed of pods that are not known yet", () => {
  const { after } = bench();
  const state = { behind: ["two"], unproven: ["two"] };
  expect(after(0, { state, programmed: standing("Programmed") })[0]).toBe("Done");
  expect(after(0, { state, programmed: standing("Programmed", 2) })[0]).toBe("Rolling");
  expect(after(0, { state: { late: ["two"] }, programmed: standing("Programmed") })[0]).toBe("Rolling");
});

test("two minutes in which no pod that was behind reports or goes are stuck; a new pod that is behind is no progress", () => {
  const { after } = bench();
  expect(after(0, { state: { late: ["one", "two"] } }).at(-1)).toBe(120_000);
  expect(after(100, { state: { late: ["two"] } }).at(-1)).toBe(120_000);
  expect(after(100, { state: { late: ["two", "three"] } }).at(-1)).toBe(20_000);
  const words = "No progress for 2 minutes. The pods that are behind do not report the newest config.";
  expect(after(20, { state: { late: ["two", "three"] } })).toEqual(["Stuck", "0 of 2", "three,two", words, undefined]);
  expect(after(0, { state: { late: ["three"] } })[0]).toBe("Rolling");
  expect(after(0)[0]).toBe("Done");
});

test("a container that cannot start is told in Kubernetes' words once it is late, and stays told between two crashes", () => {
  const { after } = bench();
  const held = [podOf("one"), podOf("two", NO_IMAGE)];
  expect(after(0, { pods: held, state: { unproven: ["two"] } })[0]).toBe("Rolling");
  expect(after(10, { pods: held, state: { late: ["two"] } }).slice(0, 4)).toEqual([
    "Stuck",
    "1 of 2",
    "two",
    "Pod two: ErrImagePull: not found",
  ]);
  expect(after(1, { state: { late: ["two"] } })[3]).toBe("Pod two: ErrImagePull: not found");
  expect(after(1)[0]).toBe("Done");
});

test("another process says of a stuck rollout what the status says", () => {
  const { after, restart } = bench();
  after(0, { state: { late: ["two"] } });
  expect(after(120, { state: { late: ["two"] } })[0]).toBe("Stuck");
  restart();
  const programmed = standing("RolloutStuck");
  expect(after(0, { state: { unproven: ["two"] }, programmed })[0]).toBe("Stuck");
  restart();
  const pods = [podOf("one"), podOf("two", NO_IMAGE)];
  expect(after(0, { pods, state: { unproven: ["two"] }, programmed })[3]).toBe("Pod two: ErrImagePull: not found");
  restart();
  expect(after(0, { state: { unproven: ["two"] }, programmed, generation: 4 })[0]).toBe("Rolling");
});
