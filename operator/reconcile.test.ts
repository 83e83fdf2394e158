import { describe, expect, test } from "vitest";
import { NO_PODS } from "../test/fakes/pod-state.ts";
import { parseAllDocuments } from "yaml";
import { FakeClock } from "../test/fakes/clock.ts";
import { recordedLog } from "../test/fakes/kube-bench.ts";
import { backendManifest, keysManifest, proxyManifest } from "../test/fakes/manifests.ts";
import { RENDER } from "../test/fakes/operator-bench.ts";
import { decode, resourcesOf, type ProxyObject } from "./gather/decode.ts";
import type { Gathered } from "./gather/gather.ts";
import { ApiError } from "./kube/api-error.ts";
import type { KubeObject } from "./kube/kinds.ts";
import { Load } from "./platform/load.ts";
import { packer } from "./platform/packer.ts";
import type { PodState } from "./pods/dataplane-pods.ts";
import type { Target } from "./pods/wanted.ts";
import { PassRunner } from "./reconcile.ts";
import type { Failure } from "./refusals.ts";
import { namesOf } from "./render/names.ts";
import type { Outcome } from "./report/reporter.ts";

const OWNER = { namespace: "demo", name: "chat", uid: "proxy-uid" };
const KEYS = { alice: "alices-own-key-0001" };
const { signal } = new AbortController();

function failure(kind: string, status: number, reason = "Forbidden", retryAfter?: number): Failure {
  const error = new ApiError({ method: "PATCH", path: "/x" }, status, reason, "no", retryAfter);
  return { kind, name: "wsproxy-chat", error };
}

interface Script {
  readonly keys?: Readonly<Record<string, string>>;
  readonly gathered?: Partial<Gathered>;
  readonly proxy?: Partial<KubeObject["metadata"]> | "gone";
  readonly state?: PodState;
  /** Milliseconds until another report is due. */
  readonly reportAgain?: number;
  /** What there is to say of the number of pods, and when a pass is to look at it again. */
  readonly remarks?: readonly string[];
  readonly again?: number;
  /** Milliseconds until the pods of a proxy that is gone are nudged again. */
  readonly orphansAgain?: number;
  /** Names of our Secrets and ConfigMaps that are still there when the proxy is gone. */
  readonly left?: readonly string[];
  /** Kinds that the API server refuses, by kind. */
  readonly refuses?: Readonly<Record<string, Failure>>;
}

/** A pass runner that records its stages; a test may change `script` between passes. */
function bench(script: Script = {}) {
  const its = { script, steps: [] as string[], packed: 0, target: undefined as Target | undefined, forgotten: "" };
  const told: Outcome[] = [];
  const step = (text: string): void => void its.steps.push(text);
  const clock = new FakeClock();
  const runner = new PassRunner({
    own: {
      get: (kind, namespace, name) => {
        if (its.script.left?.includes(name) === true) return { metadata: { name, namespace } };
        return its.script.proxy === "gone" || kind !== "WebSocketProxy"
          ? undefined
          : { metadata: { name: "chat", namespace: "demo", ...its.script.proxy } };
      },
      ofProxy: (kind, namespace, label) => {
        expect([kind, namespace, label]).toEqual(["InjectedPod", "demo", "wsproxy-chat"]);
        return [{ metadata: { name: "one" } }];
      },
    },
    replicas: {
      remarks: () => its.script.remarks ?? [],
      again: () => its.script.again,
      forget: () => step("forget"),
    },
    gatherer: {
      gather: () => {
        step("gather");
        return Promise.resolve(gathered(its.script));
      },
      refuseSpec: () => step("refuse spec"),
      forget: () => step("forget"),
    },
    writer: {
      apply: (_, manifests, before) => {
        const kinds = [...new Set(manifests.map(({ kind }) => kind))];
        step(`apply ${kinds.join(" ")}`);
        const failures = kinds.flatMap((kind) => its.script.refuses?.[kind] ?? []);
        const written = manifests.filter(({ kind }) => its.script.refuses?.[kind] === undefined);
        expect(before.every(({ kind }) => !kinds.includes(kind))).toBe(true);
        return Promise.resolve({ written, failures });
      },
      prune: () => {
        step("prune");
        return Promise.resolve([]);
      },
    },
    orphans: {
      look: (proxy, pods, isConfigGone) => {
        step(`leave ${proxy} ${pods.length} ${isConfigGone}`);
        return Promise.resolve(its.script.orphansAgain);
      },
      forget: () => {},
    },
    pods: { nudge: () => Promise.resolve((step("nudge"), [])), forget: () => step("forget") },
    podLoop: {
      stop: () => step("stop"),
      look: (_proxy, _pods, target) => {
        step("look");
        its.target = target;
        return Promise.resolve(its.script.state ?? NO_PODS);
      },
      forget: () => step("forget"),
    },
    reporter: {
      report: (outcome) => {
        step("report");
        told.push(outcome);
        return Promise.resolve(its.script.reportAgain);
      },
      forget: () => step("forget"),
    },
    packer: {
      ...packer,
      pack: (...parts) => {
        its.packed += 1;
        return packer.pack(...parts);
      },
    },
    clock,
    log: recordedLog().log,
    settings: RENDER,
    sidecar: () => "On",
    newToken: () => "a-token",
    forgotten: (key) => (its.forgotten = key),
  });
  return { its, told, pass: () => runner.run("demo/chat", signal, new Load()) };
}

function gathered({ keys = KEYS, gathered: more }: Script): Gathered {
  const manifests = [proxyManifest(), backendManifest(9000), keysManifest(keys)];
  const documents = manifests.flatMap((text) => parseAllDocuments(text).map((it): unknown => it.toJS()));
  const objects = documents.flatMap((it) => [...decode(it).objects]);
  const proxy = objects.find(({ kind }) => kind === "WebSocketProxy") as ProxyObject;
  return {
    owner: OWNER,
    names: namesOf("chat", packer.hash),
    proxy: { metadata: { name: "chat", namespace: "demo" } },
    resources: resourcesOf(proxy, objects),
    configInForce: undefined,
    unreadable: undefined,
    data: new Map(),
    tokenUnreadable: false,
    pods: { own: [], strangers: [] },
    guests: [],
    ...more,
  };
}

const STAGES = [
  "gather",
  "stop",
  "apply Secret",
  "apply ConfigMap",
  "nudge",
  "apply ServiceAccount NetworkPolicy PodDisruptionBudget Deployment Service",
  "prune",
  "look",
  "report",
];

describe("a pass", () => {
  test("gathers, writes the config, nudges the pods, and only then writes the rest, looks and reports", async () => {
    const { its, told, pass } = bench();
    expect(await pass()).toEqual({ result: "done" });
    expect(its.steps).toEqual(STAGES);
    expect(its.target).toMatchObject({ proxy: "demo/chat", token: "a-token", wanted: told[0]?.rendered.serving });
    expect(told[0]?.refusals).toEqual([]);
  });

  test("of a proxy that is gone makes everything forget it, and does nothing else", async () => {
    const { its, pass } = bench({ proxy: "gone" });
    expect(await pass()).toEqual({ result: "done" });
    expect([new Set(its.steps), its.forgotten]).toEqual([new Set(["forget", "leave demo/chat 1 true"]), "demo/chat"]);
  });

  test("of a proxy that is gone leaves its injected pods, and looks again while they are to be nudged", async () => {
    const { its, pass } = bench({ proxy: "gone", orphansAgain: 2000 });
    expect(await pass()).toEqual({ result: "done", lookAgainAfter: 2000 });
    for (const name of ["wsproxy-chat-config-0", "wsproxy-chat-config-3", "wsproxy-chat-endpoints"]) {
      its.script = { proxy: "gone", left: [name] };
      its.steps.length = 0;
      expect(await pass()).toEqual({ result: "done" });
      expect(its.steps.at(-1)).toBe("leave demo/chat 1 false");
    }
  });

  test("packs a config once, also where its size is looked at before", async () => {
    // Long names of clients: a config of which it is not sure without packing that it fits.
    const keys = Object.fromEntries(
      Array.from({ length: 3200 }, (_, at) => [`${"client-".repeat(35)}${at}`, `key-of-client-${at}-0001`]),
    );
    const { its, pass } = bench({ keys });
    expect(await pass()).toEqual({ result: "done" });
    expect(its.packed).toBe(2); // the config, and its endpoints
  });

  test.each([
    ["no finalizer", [], "demo/chat"],
    ["a finalizer of Kubernetes", ["foregroundDeletion"], "demo/chat"],
    ["a finalizer of another controller", ["example.com/audited"], ""],
  ])(
    "of a proxy that is deleted with %s is made only as long as another controller holds the proxy",
    async (_, finalizers, forgotten) => {
      const { its, pass } = bench({ proxy: { deletionTimestamp: "2026-01-01T00:00:00Z", finalizers } });
      await pass();
      expect(its.forgotten).toBe(forgotten);
      expect(its.steps.includes("report")).toBe(forgotten === "");
    },
  );
});

describe("an object that the API server refuses", () => {
  test("is told in the status and in the result, with the wait that the API server asks for", async () => {
    const refused = failure("Deployment", 403, "Forbidden", 7000);
    const { its, told, pass } = bench({ refuses: { Deployment: refused } });
    const words = "Deployment wsproxy-chat: 403 Forbidden: no";
    expect(await pass()).toEqual({ result: "refused", words, cause: refused.error, leastWait: 7000 });
    expect(its.steps).toEqual(STAGES);
    expect(told[0]?.refusals).toEqual([words]);
    expect(its.target).toBeDefined();
  });

  test("with an error that may pass fails the first pass, and is told by the second one in a row", async () => {
    const refused = failure("Deployment", 500, "InternalError");
    const { its, told, pass } = bench({ refuses: { Deployment: refused } });
    await expect(pass()).rejects.toBe(refused.error);
    expect(told).toEqual([]);
    expect(await pass()).toMatchObject({ result: "refused", cause: refused.error });
    its.script = {};
    expect(await pass()).toEqual({ result: "done" });
  });

  test("of the config leaves it open what the pods are to serve: they are not asked", async () => {
    const { its, pass } = bench({ refuses: { Secret: failure("Secret", 413, "RequestEntityTooLarge") } });
    expect(await pass()).toMatchObject({ result: "refused" });
    expect(its.target).toBeUndefined();
    expect(its.steps).toContain(STAGES[5]);
  });

  test("because the namespace is being deleted ends the pass: no look, no report, no other pass", async () => {
    const { its, pass } = bench({ refuses: { Service: failure("Service", 403, "NamespaceGone") } });
    expect(await pass()).toEqual({ result: "done" });
    expect(its.steps).not.toContain("report");
  });
});

test("a reference that may not be read makes the pass refused: no event tells that the right is back", async () => {
  const unread = [
    {
      kind: "Secret" as const,
      metadata: { namespace: "demo", name: "more", labels: {} },
      forbidden: true,
      words: "no get",
    },
  ];
  const { told, pass } = bench({ gathered: { resources: { ...gathered({}).resources, unread } } });
  expect(await pass()).toMatchObject({ result: "refused", words: "no get", cause: undefined });
  expect(told).toHaveLength(1);
});

test("if the config in force cannot be read and part of it must be kept, no config is written", async () => {
  const unreadable = failure("Secret", 403);
  const { resources } = gathered({});
  // The Service is missing: its route must stay as it was in the config in force.
  const { its, pass } = bench({ gathered: { unreadable, resources: { ...resources, services: [] } } });
  expect(await pass()).toMatchObject({ result: "refused", cause: unreadable.error });
  expect(its.steps.filter((one) => one === "apply Secret" || one === "apply ConfigMap" || one === "nudge")).toEqual([]);
  expect(its.steps).toContain("report");
});

test("while pods are behind and the admin token cannot be read, the next pass reads it again soon", async () => {
  const behind = { ...NO_PODS, pods: 1, ready: ["a"], behind: ["a"] };
  const { its, pass } = bench({ gathered: { tokenUnreadable: true }, state: behind });
  expect(await pass()).toEqual({ result: "done", lookAgainAfter: 2000 });
  its.script = { ...its.script, refuses: { Service: failure("Service", 403) } };
  expect(await pass()).toMatchObject({ result: "refused", lookAgainAfter: 2000 });
  its.script = { ...its.script, refuses: {}, state: { ...behind, behind: [] } };
  expect(await pass()).toEqual({ result: "done" });
});

test("a pass is made again when the reporter has something to tell then, and no later than the token is to be read", async () => {
  const behind = { ...NO_PODS, pods: 1, ready: ["a"], behind: ["a"] };
  const { its, pass } = bench({ reportAgain: 30_000 });
  expect(await pass()).toEqual({ result: "done", lookAgainAfter: 30_000 });
  its.script = { reportAgain: 30_000, gathered: { tokenUnreadable: true }, state: behind };
  expect(await pass()).toEqual({ result: "done", lookAgainAfter: 2000 });
  its.script = { ...its.script, reportAgain: 1500 };
  expect(await pass()).toEqual({ result: "done", lookAgainAfter: 1500 });
});
