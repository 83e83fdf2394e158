import { describe, expect, test } from "vitest";
import type { Pod } from "../watch/pod.ts";
import { holdUpOf } from "./hold-up.ts";

const pod = (name: string, status: Pod["status"] = {}): Pod => ({ metadata: { name }, status });
const waiting = (reason: string, message?: string): Pod["status"] => ({
  containerStatuses: [{ state: { waiting: { reason, ...(message === undefined ? {} : { message }) } } }],
});
const deployment = (conditions: readonly { type: string; status: string; message?: string }[]) => ({
  metadata: { name: "wsproxy-chat" },
  status: { conditions },
});

const FORBIDDEN = 'pods "wsproxy-chat-1-" is forbidden: no PriorityClass with name high was found';
const FULL = "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.";

describe("no pod is ready", () => {
  test.each<[string, Parameters<typeof holdUpOf>, string]>([
    [
      "since no pod may be made",
      [deployment([{ type: "ReplicaFailure", status: "True", message: FORBIDDEN }]), [pod("a", waiting("Other"))]],
      `Deployment wsproxy-chat: ${FORBIDDEN}`,
    ],
    [
      "since none fits on a node",
      [
        deployment([{ type: "ReplicaFailure", status: "False", message: FORBIDDEN }]),
        [pod("a", { conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message: FULL }] })],
      ],
      `Pod a: Unschedulable: ${FULL}`,
    ],
    [
      "since there is no image; the first by name says so",
      [deployment([]), [pod("b", waiting("ImagePullBackOff")), pod("a", waiting("ErrImagePull", "not found"))]],
      "Pod a: ErrImagePull: not found",
    ],
    ["in the first moments", [deployment([]), [pod("a", waiting("ContainerCreating")), pod("b")]], ""],
    ["where nothing is there yet", [undefined, []], ""],
  ])("%s", (_title, [of, pods], words) => {
    expect(holdUpOf(of, pods)).toBe(words);
  });

  test("a pod that is going is not asked", () => {
    const going = { ...pod("a", waiting("CrashLoopBackOff")), metadata: { name: "a", deletionTimestamp: "now" } };
    expect(holdUpOf(undefined, [going])).toBe("");
  });

  test("long words are cut", () => {
    expect(holdUpOf(undefined, [pod("a", waiting("ErrImagePull", "x".repeat(5000)))])).toHaveLength(300);
  });
});
