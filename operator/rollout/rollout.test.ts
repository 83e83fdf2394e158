import { describe, expect, test } from "vitest";
import { deployment, pod, waiting, Watched, type Scene } from "../../test/fakes/rollout.ts";

const a = pod("a", { ready: true });
const b = pod("b", { ready: true });
const FORBIDDEN = 'pods "wsproxy-chat-1-" is forbidden: exceeded quota: small';
const failure = (status = "True") => ({ type: "ReplicaFailure", status, reason: "FailedCreate", message: FORBIDDEN });

/** The state of a first look, and how many pods are done. */
const brief = (scene: Scene): string => {
  const { state, done, wanted } = new Watched().after(0, scene);
  return `${state} ${done}/${wanted}`;
};

describe("a rollout is done", () => {
  test.each<[string, Scene, string]>([
    ["when every pod is as it is to be", { pods: [a, b] }, "Done 2/2"],
    ["whatever drains", { pods: [a, b, pod("x", { old: true, deleted: true, ready: true })] }, "Done 2/2"],
    ["whatever was evicted", { pods: [a, b, pod("x", { phase: "Failed", reason: "Evicted" })] }, "Done 2/2"],
    ["with more pods than wanted", { pods: [a, b, pod("c", { ready: true })] }, "Done 3/3"],
    ["while Kubernetes takes pods away", { pods: [a, b, pod("c")] }, "Done 2/2"],
    ["where no pod is to be", { pods: [], deployment: deployment({ replicas: 0 }) }, "Done 0/0"],
    [
      "where no pod is to be, before the controller says that it has seen that",
      {
        pods: [pod("x", { deleted: true })],
        deployment: deployment({ replicas: 0 }, { observedGeneration: 3, updatedReplicas: 2 }),
      },
      "Done 0/0",
    ],
    ["though a pod is a moment behind in its keys", { pods: [a, b], unproven: [] }, "Done 2/2"],
    [
      "though it is paused, until something changes",
      { pods: [a, b], deployment: deployment({ paused: true }) },
      "Done 2/2",
    ],
    [
      "though an earlier pod could not be made",
      { pods: [a, b], deployment: deployment({}, { conditions: [failure()] }) },
      "Done 2/2",
    ],
    [
      "for a new process that finds a silent pod, and a status that said so",
      { pods: [a, b], unproven: ["b"], programmed: { status: "True", reason: "Programmed", observedGeneration: 3 } },
      "Done 2/2",
    ],
  ])("%s", (_title, scene, words) => {
    expect(brief(scene)).toBe(words);
  });
});

describe("a rollout goes on", () => {
  test.each<[string, Scene, string]>([
    ["while an old pod is there", { pods: [a, b, pod("x", { old: true, ready: true })] }, "Rolling 2/2"],
    ["while a new pod starts", { pods: [a, pod("b")] }, "Rolling 1/2"],
    ["while a pod is missing", { pods: [a] }, "Rolling 1/2"],
    [
      "while pods are there that are not to be",
      { pods: [a], deployment: deployment({ replicas: 0 }, { observedGeneration: 3 }) },
      "Rolling 1/1",
    ],
    [
      "while an autoscaler adds one",
      { pods: [a, b, pod("c")], deployment: deployment({ replicas: 3 }) },
      "Rolling 2/3",
    ],
    ["while a pod is late", { pods: [a, b], late: ["b"] }, "Rolling 1/2"],
    ["while a pod serves an earlier generation", { pods: [a, b], outdated: ["b"] }, "Rolling 1/2"],
    ["while one pod more than wanted is late", { pods: [a, b, pod("c", { ready: true })], late: ["c"] }, "Rolling 2/3"],
    ["while nothing is known of a ready pod", { pods: [a, b], unproven: ["b"] }, "Rolling 1/2"],
    [
      "while nothing is known of it in this generation",
      { pods: [a, b], unproven: ["b"], programmed: { status: "True", reason: "Programmed", observedGeneration: 2 } },
      "Rolling 1/2",
    ],
    [
      "until its controller has seen it",
      { pods: [a, b], deployment: deployment({}, { observedGeneration: 3 }) },
      "Rolling 2/2",
    ],
    [
      "until the watch tells of the newest ReplicaSet",
      { pods: [a, b], deployment: deployment({}, {}, { "deployment.kubernetes.io/revision": "3" }) },
      "Rolling 2/2",
    ],
    ["without a Deployment", { pods: [], deployment: undefined }, "Rolling 0/0"],
    ["for half a minute without a node", { pods: [a, pod("b", { unscheduled: "0/3 nodes" })] }, "Rolling 1/2"],
    ["after one crash", { pods: [a, pod("b", { container: { restartCount: 1, state: {} } })] }, "Rolling 1/2"],
    ["in a first moment", { pods: [a, pod("b", { container: waiting("ContainerCreating") })] }, "Rolling 1/2"],
    [
      "with an init container that did its work, however often it had to start",
      {
        pods: [a, pod("b", { init: { restartCount: 3, state: { terminated: { exitCode: 0, reason: "Completed" } } } })],
      },
      "Rolling 1/2",
    ],
  ])("%s", (_title, scene, words) => {
    expect(brief(scene)).toBe(words);
  });

  test("and names the pods that are not there yet", () => {
    const scene = { pods: [a, b, pod("d"), pod("c"), pod("x", { old: true })], late: ["b"] };
    expect(new Watched().after(0, scene)).toMatchObject({ behind: ["b"], notReady: ["c", "d"], older: ["x"] });
  });
});

test("an old pod that serves and is late is named, also while the rollout is stuck: a removed key may still work there", () => {
  const x = pod("x", { old: true, ready: true });
  const scene = { pods: [a, x, pod("b", { container: waiting("ErrImagePull") })], late: ["x"] };
  const its = new Watched().after(0, scene);
  expect(its).toMatchObject({ state: "Stuck", done: 1, behind: ["x"], older: ["x"] });
});

describe("a rollout is stuck at once", () => {
  const stuck = (scene: Scene): string => {
    const { state, words } = new Watched().after(0, scene);
    return `${state} ${words}`;
  };

  test.each<[string, Scene, string]>([
    [
      "if no pod may be made",
      { pods: [a], deployment: deployment({}, { conditions: [failure()] }) },
      `Stuck Deployment wsproxy-chat: FailedCreate: ${FORBIDDEN}`,
    ],
    [
      "if a person has paused it, though no pod of another shape is there",
      { pods: [a, b], deployment: deployment({ paused: true }, { updatedReplicas: 0 }) },
      "Stuck Deployment wsproxy-chat: it is paused (spec.paused) and replaces no pod; kubectl rollout resume ends that.",
    ],
    ...["ErrImagePull", "InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError", "RunContainerError"].map(
      (reason): [string, Scene, string] => [
        `with ${reason}`,
        { pods: [pod("x", { old: true, ready: true }), pod("b", { container: waiting(reason, "why") })] },
        `Stuck Pod b: ${reason}: why`,
      ],
    ),
    [
      "with an init container of another writer",
      { pods: [a, pod("b", { init: waiting("ImagePullBackOff"), container: waiting("PodInitializing") })] },
      "Stuck Pod b: ImagePullBackOff",
    ],
    [
      "with several pods: one says why",
      { pods: [pod("c", { container: waiting("ErrImagePull") }), pod("b", { container: waiting("ErrImagePull") })] },
      "Stuck Pod b: ErrImagePull (and 1 more)",
    ],
    [
      "when Kubernetes gives up",
      {
        pods: [a, pod("b")],
        deployment: deployment(
          {},
          {
            conditions: [
              { type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded", message: "Late." },
            ],
          },
        ),
      },
      "Stuck Deployment wsproxy-chat: ProgressDeadlineExceeded: Late.",
    ],
  ])("%s", (_title, scene, words) => {
    expect(stuck(scene)).toBe(words);
  });

  test("but not because Kubernetes gave up on an earlier shape", () => {
    const stopped = { type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded", message: "Late." };
    const scene = { pods: [a, pod("b")], deployment: deployment({}, { observedGeneration: 3, conditions: [stopped] }) };
    expect(new Watched().after(0, scene).state).toBe("Rolling");
  });

  test("with a thousand pods: the words are those of one, and stay; a few are remembered", () => {
    const its = new Watched();
    const pods = Array.from({ length: 1000 }, (_, at) =>
      pod(`pod-${at}`, { container: waiting("ErrImagePull", "no") }),
    );
    const first = its.after(0, { pods: pods.slice(1) }).words;
    expect(first).toBe("Pod pod-100: ErrImagePull: no (and 998 more)");
    expect(its.after(60, { pods }).words).toBe("Pod pod-100: ErrImagePull: no (and 999 more)");
    expect(its.last?.memory.holdUps.size).toBe(32);
  });

  test("but not by a pod of an older shape, one that is going, or one that is not wanted any more", () => {
    const bad = { container: waiting("ErrImagePull") };
    for (const more of [pod("x", { ...bad, old: true }), pod("x", { ...bad, deleted: true })]) {
      expect(new Watched().after(0, { pods: [a, more] }).state).toBe("Rolling");
    }
    expect(new Watched().after(0, { pods: [a, b, pod("x", bad)] }).state).toBe("Done");
  });

  test("with words of a bounded length", () => {
    const { words } = new Watched().after(0, {
      pods: [pod("b", { container: waiting("ErrImagePull", "x".repeat(5000)) })],
    });
    expect(words).toHaveLength(300);
  });
});

describe("a new edit", () => {
  /** The Deployment as the edit left it, and its controller has seen it. */
  const edited = (status: Parameters<typeof deployment>[1]): ReturnType<typeof deployment> => {
    const { metadata, ...rest } = deployment({}, { observedGeneration: 5, ...status });
    return { ...rest, metadata: { ...metadata, generation: 5 } };
  };
  const bad = pod("b", { container: waiting("ErrImagePull") });
  const refused = { conditions: [failure()] };
  const before = (): Watched => {
    const its = new Watched();
    expect(its.after(0, { pods: [a, bad], deployment: deployment({}, refused) }).state).toBe("Stuck");
    return its;
  };

  test("is not blamed for what held up the shape before it", () => {
    const its = before();
    // The Deployment is written, and its controller has not seen that yet.
    const unseen = { pods: [a, bad], deployment: deployment({}, { ...refused, observedGeneration: 3 }), generation: 4 };
    expect(its.after(1, unseen).state).toBe("Rolling");
    expect(its.after(1, unseen).state).toBe("Rolling");
    // The controller has made the new ReplicaSet, and the failure of the old one still stands in the Deployment.
    const seen = { pods: [a, pod("c")], deployment: deployment({}, refused), generation: 4 };
    expect([its.after(1, seen).state, its.again]).toEqual(["Rolling", 3]);
    expect(its.after(1, { ...seen, deployment: deployment() }).state).toBe("Rolling");
  });

  test("that does not help is stuck again after a few seconds", () => {
    const its = before();
    const scene = { pods: [a], deployment: edited(refused), generation: 4 };
    expect(its.after(1, scene).state).toBe("Rolling");
    expect(its.after(5, scene)).toMatchObject({ state: "Stuck" });
  });

  test("that leaves the Deployment as it is leaves the rollout stuck", () => {
    const scene = { pods: [a], deployment: deployment({}, refused) };
    const its = new Watched();
    its.after(0, scene);
    expect(its.after(60, { ...scene, generation: 4 }).state).toBe("Stuck");
  });

  test("that is refused itself is stuck at once", () => {
    const its = new Watched();
    its.after(0, { pods: [a, b] });
    const more = (status = {}) => ({ pods: [a, b], deployment: deployment({ replicas: 3 }, status), generation: 4 });
    expect(its.after(1, more({ observedGeneration: 3 })).state).toBe("Rolling");
    expect(its.after(0.1, more(refused)).state).toBe("Stuck");
  });

  test("is not blamed because Kubernetes gave up on the shape before it", () => {
    const stopped = { type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded", message: "Late." };
    const its = before();
    const scene = { pods: [a, pod("c")], deployment: edited({ conditions: [stopped] }), generation: 4 };
    expect([its.after(1, scene).state, its.again]).toEqual(["Rolling", 5]);
    expect(its.after(5, scene).state).toBe("Stuck");
  });

  test("is not blamed by a process that starts with it", () => {
    const unseen = deployment({}, { ...refused, observedGeneration: 3 });
    const programmed = { status: "False", reason: "RolloutStuck", observedGeneration: 2 };
    expect(new Watched().after(0, { pods: [a, bad], deployment: unseen, programmed }).state).toBe("Rolling");
  });

  test("leaves a stuck rollout stuck where only an autoscaler edits", () => {
    const its = before();
    const scene = {
      pods: [a, bad],
      deployment: deployment({ replicas: 3 }, { ...refused, observedGeneration: 3 }),
    };
    expect(its.after(1, scene).state).toBe("Stuck");
  });
});

test("a rollout whose ReplicaSet may not be made is stuck at once, though the controller never reports the new shape", () => {
  const message = 'Failed to create new replica set "x": exceeded quota: sets';
  const conditions = [{ type: "Progressing", status: "False", reason: "ReplicaSetCreateError", message }];
  const scene = { pods: [a, b], deployment: deployment({}, { observedGeneration: 3, conditions }) };
  const its = new Watched();
  its.after(0, { pods: [a, b] });
  expect(its.after(1, { ...scene, generation: 4 }).state).toBe("Rolling");
  expect(its.after(5, { ...scene, generation: 4 })).toMatchObject({
    state: "Stuck",
    words: `Deployment wsproxy-chat: ReplicaSetCreateError: ${message}`,
  });
});

describe("without progress for two minutes a rollout is stuck", () => {
  const NONE = "No progress for 2 minutes.";
  test.each<[string, Scene, string]>([
    [
      "with a pod that runs and is never ready",
      { pods: [a, pod("b")] },
      `${NONE} Pod b: ContainersNotReady: unready: [dataplane]; kubectl describe pod b has its events.`,
    ],
    [
      "with a volume that is not there",
      { pods: [a, pod("b", { container: waiting("ContainerCreating") })] },
      `${NONE} Pod b: ContainerCreating; kubectl describe pod b has its events.`,
    ],
    [
      "with pods that are evicted each time",
      { pods: [a, pod("b", { phase: "Failed", reason: "Evicted" })] },
      `${NONE} Pod b: Evicted: low on memory`,
    ],
    [
      "with a pod that is late",
      { pods: [a, b], late: ["b"] },
      `${NONE} The pods that are behind do not report the newest config.`,
    ],
    [
      "without a controller",
      { pods: [a, b], deployment: deployment({}, { observedGeneration: 3 }) },
      `${NONE} Deployment wsproxy-chat: its controller does not take the newest shape.`,
    ],
    ["without a Deployment", { pods: [], deployment: undefined }, `${NONE} There is no Deployment.`],
    [
      "with pods that are not made",
      { pods: [a], deployment: deployment({}, { updatedReplicas: 1 }) },
      `${NONE} Kubernetes does not make or remove the other pods.`,
    ],
  ])("%s", (_title, scene, words) => {
    const its = new Watched();
    expect([its.after(0, scene).state, its.again]).toEqual(["Rolling", 120]);
    expect([its.after(119, scene).state, its.again]).toEqual(["Rolling", 1]);
    expect(its.after(1, scene)).toMatchObject({ state: "Stuck", words });
    expect(its.again).toBeUndefined();
  });

  test("counted anew from each pod more", () => {
    const its = new Watched();
    its.after(0, { pods: [pod("a"), pod("b")] });
    expect(its.after(100, { pods: [a, pod("b")] }).state).toBe("Rolling");
    expect(its.after(100, { pods: [a, pod("b")] }).state).toBe("Rolling");
    expect(its.after(20, { pods: [a, pod("b")] }).state).toBe("Stuck");
    expect(its.after(1, { pods: [a, b] }).state).toBe("Done");
    expect(its.after(500, { pods: [a, pod("b")] }).state).toBe("Rolling");
  });

  test("and from a new generation, and from a new shape", () => {
    const its = new Watched();
    its.after(0, { pods: [a, b], outdated: ["b"] });
    expect(its.after(130, { pods: [a, b], outdated: ["b"] }).state).toBe("Stuck");
    expect(its.after(1, { pods: [a, b], outdated: ["a", "b"], generation: 4 }).state).toBe("Rolling");
  });

  test("but a pod that comes and goes is no progress", () => {
    const its = new Watched();
    for (let turn = 0; turn < 6; turn += 1) {
      its.after(10, { pods: [a, b], deployment: deployment({ replicas: 3 }) });
      its.after(10, { pods: [a, pod("b")], deployment: deployment({ replicas: 3 }) });
    }
    expect(its.after(20, { pods: [a, b], deployment: deployment({ replicas: 3 }) }).state).toBe("Stuck");
  });
});
