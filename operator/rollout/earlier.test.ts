import { describe, expect, test } from "vitest";
import { deployment, pod, waiting, Watched, type Scene } from "../../test/fakes/rollout.ts";

const a = pod("a", { ready: true });
const b = pod("b", { ready: true });
const x = pod("x", { old: true, ready: true });
const REFUSED = [{ type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: "exceeded quota: small" }];
const refused = (status: object = {}): Scene => ({
  pods: [x],
  deployment: deployment({}, { conditions: REFUSED, ...status }),
});

/** Each holds up generation 3. */
const HOLD_UPS: [string, Scene][] = [
  ["a refused pod", refused()],
  ["an image that is not there", { pods: [x, pod("c", { container: waiting("ErrImagePull", "not found") })] }],
  ["a pod without a node", { pods: [x, pod("c", { unscheduled: "0/3 nodes", phase: "Pending" })] }],
];

/** Told of generation 3. */
function stuckOn(scene: Scene): Watched {
  const its = new Watched();
  its.after(0, scene);
  expect(its.after(40, scene).state).toBe("Stuck");
  return its;
}

describe.each(HOLD_UPS)("after an edit, %s of the earlier generation", (_title, scene) => {
  const next = { ...scene, generation: 4 };
  const written = { ...next, deployment: deployment({}, { ...scene.deployment?.status, observedGeneration: 3 }) };

  test("is not told of the new one before Kubernetes has taken it", () => {
    const its = stuckOn(scene);
    expect(its.after(1, written).state).toBe("Rolling");
    expect(its.again).toBeLessThanOrEqual(5);
    expect(its.after(60, written).state).toBe("Rolling");
    expect(its.after(1, { pods: [a, b], generation: 4 }).state).toBe("Done");
  });

  test("is told, once it stands for five seconds more", () => {
    const its = stuckOn(scene);
    expect([its.after(1, next).state, its.again]).toEqual(["Rolling", 5]);
    expect(its.after(4, next).state).toBe("Rolling");
    expect(its.after(1, next).state).toBe("Stuck");
    // A later write of the same generation, such as an autoscaler's, unsays nothing.
    expect(its.after(1, written).state).toBe("Stuck");
  });

  test("is told of the last of several edits", () => {
    const its = stuckOn(scene);
    for (let generation = 4; generation < 8; generation += 1)
      expect(its.after(3, { ...scene, generation }).state).toBe("Rolling");
    expect(its.after(5, { ...scene, generation: 7 }).state).toBe("Stuck");
  });

  test("is not told by a new process, either", () => {
    const its = new Watched();
    const programmed = { status: "False", reason: "RolloutStuck", observedGeneration: 3 };
    expect(its.after(0, { ...written, programmed }).state).toBe("Rolling");
    expect(its.after(5, { ...written, programmed }).state).toBe("Rolling");
  });
});

test("what holds up only the new generation is told at once", () => {
  const its = stuckOn({ pods: [x, pod("c", { unscheduled: "0/3 nodes", phase: "Pending" })] });
  expect(its.after(1, { ...refused(), generation: 4 })).toMatchObject({
    state: "Stuck",
    words: "Deployment wsproxy-chat: FailedCreate: exceeded quota: small",
  });
});
