import { expect, test } from "vitest";
import { status as schema } from "../../api/status.ts";
import { brief, condition, DONE, findings, translation } from "../../test/fakes/findings.ts";
import { statusOf, type Findings } from "./status.ts";

const NOW = Date.UTC(2026, 10, 1, 13, 30, 0, 1);

const refusing = (stage: "config" | "listener", ...problems: string[]) => ({
  pod: "one",
  hash: "c".repeat(64),
  stage,
  problems,
});

const { pods: READY } = findings();
const NONE_READY = { ...READY, ready: [] };
const ROLLING = { ...DONE, state: "Rolling", done: 1 } as const;
const STUCK = { ...ROLLING, state: "Stuck", notReady: ["two"], words: "Pod two: ErrImagePull: not found" } as const;
const OLD = { ...ROLLING, done: 0, notReady: ["new"], older: ["one", "two"] };

const cases: readonly [title: string, parts: Partial<Findings>, programmed: string, ready: string, words: RegExp][] = [
  ["every pod is as it is to be", {}, "True Programmed", "True Ready", /^Every data plane pod .* this generation\.$/],
  [
    "a ready pod is a moment behind in its keys",
    { pods: { ...READY, behind: ["two"] } },
    "True Programmed",
    "True Ready",
    /this generation\.$/,
  ],
  [
    "the rollout is not done",
    { rollout: { ...ROLLING, behind: ["two"], notReady: ["four", "three"], older: ["five"], wanted: 3 } },
    "False RollingOut",
    "True Ready",
    /yet\. 1 of 3 pods so far\. Ready, without the newest config: two\. Not ready: four, three\. Of an older shape: five\.$/,
  ],
  [
    "no answer of a ready pod reaches the operator",
    {
      pods: { ...READY, behind: ["one", "two"], late: ["one", "two"], silent: ["two"] },
      rollout: { ...ROLLING, done: 0, behind: ["one", "two"] },
    },
    "False RollingOut",
    "True Ready",
    /0 of 2 pods so far\. Ready, without the newest config: one\. Ready, but the operator gets no answer from port 9090: two\.$/,
  ],
  [
    "many pods are behind",
    { rollout: { ...ROLLING, done: 2, wanted: 9, behind: "1234567".split("") } },
    "False RollingOut",
    "True Ready",
    /2 of 9 pods so far\. Ready, without the newest config: 1, 2, 3, 4, 5 and 2 more\.$/,
  ],
  [
    "the rollout is stuck, and old pods serve",
    { rollout: STUCK },
    "False RolloutStuck",
    "True Ready",
    /^The rollout does not get on\. 1 of 2 pods so far\. Not ready: two\. Pod two: ErrImagePull: not found\.$/,
  ],
  [
    "it is stuck, and no pod serves",
    {
      pods: { ...NONE_READY, pods: 0 },
      rollout: { ...STUCK, done: 0, notReady: [], words: "Deployment d: no quota." },
    },
    "False RolloutStuck",
    "False NoReadyPods",
    /0 of 2 pods so far\. Deployment d: no quota\.$/,
  ],
  [
    "no pod is ready yet",
    { pods: NONE_READY, rollout: ROLLING },
    "False Pending",
    "False NoReadyPods",
    /^No data plane pod is ready yet\. None of 2 pods is ready\.$/,
  ],
  [
    "there is no pod yet",
    { pods: { ...NONE_READY, pods: 0 }, rollout: ROLLING },
    "False Pending",
    "False NoReadyPods",
    /no pods yet/,
  ],
  [
    "no pod is to serve",
    { pods: { ...NONE_READY, pods: 0 }, rollout: { ...DONE, wanted: 0, done: 0 } },
    "True Programmed",
    "False NoReadyPods",
    /No pod is to serve: replicas is 0\.$/,
  ],
  [
    "the next rollout will be stuck",
    { rollout: { ...DONE, words: "Deployment d: it is paused." } },
    "True Programmed",
    "True Ready",
    /this generation\. Deployment d: it is paused\.$/,
  ],
  [
    "there is something to remark",
    { remarks: ["Another one.", "And one more."] },
    "True Programmed",
    "True Ready",
    /this generation\. Another one\. And one more\.$/,
  ],
  [
    "a pod talks nonsense",
    {
      pods: {
        ...READY,
        unusable: [
          { pod: "three", words: "its answer is not JSON" },
          { pod: "two", words: "its answer is longer than 4096 bytes" },
        ],
      },
      rollout: { ...ROLLING, wanted: 3, behind: ["three", "two"] },
    },
    "False RollingOut",
    "True Ready",
    /newest config: three, two\. Pod three gives no usable report: its answer is not JSON\. Nor do two\.$/,
  ],
  [
    "other pods have the proxy's labels",
    { pods: { ...READY, strangers: Array.from({ length: 7 }, (_, index) => `stranger-${index}`) } },
    "True Programmed",
    "True Ready",
    /this generation\. With the labels of this proxy, and not its own, .*: stranger-0, .*stranger-4 and 2 more\.$/,
  ],
  [
    "a pod refuses the config",
    {
      pods: { ...READY, behind: ["one"], refusing: [refusing("config", "config.x: unknown field", "more")] },
      rollout: ROLLING,
    },
    "False ConfigRejected",
    "True Ready",
    /keeps the last good one\. Pod one: config.x: unknown field; more\.$/,
  ],
  [
    "a pod that a rollout is about to replace refuses the config",
    { pods: { ...READY, behind: ["one"], refusing: [refusing("config", "config.x: unknown field")] }, rollout: OLD },
    "False RollingOut",
    "True Ready",
    /Of an older shape: one, two\. Until it is replaced, pod one keeps its last good config: config.x: unknown field\.$/,
  ],
  [
    "no pod can open its listener",
    { pods: { ...NONE_READY, refusing: [refusing("listener", "port 443 needs a privilege")] }, rollout: ROLLING },
    "False ListenerFailed",
    "False NoReadyPods",
    /Pod one: port 443 needs a privilege\.$/,
  ],
  [
    "the spec is not accepted, and nothing is in force",
    {
      translation: translation({ config: undefined, infra: undefined }),
      rendered: { serving: undefined, problem: undefined },
      pods: { ...NONE_READY, pods: 0 },
      hasService: false,
    },
    "False NotAccepted",
    "False NotProgrammed",
    /not accepted\.$/,
  ],
  [
    "the spec is not accepted, and the last good config is served",
    { translation: translation({ infra: undefined }) },
    "False NotAccepted",
    "True Ready",
    /The last good config stays in force\./,
  ],
  [
    "the spec is not accepted, and the rollout of what is in force is stuck",
    { translation: translation({ infra: undefined }), rollout: STUCK },
    "False NotAccepted",
    "True Ready",
    /stays in force\. Its rollout is stuck: 1 of 2 pods so far\. Not ready: two\. Pod two: ErrImagePull: not found\.$/,
  ],
  [
    "an object is refused, and the rollout is stuck",
    { refusals: ["PodDisruptionBudget wsproxy-chat: no"], rollout: STUCK },
    "False NotApplied",
    "True Ready",
    /wsproxy-chat: no; the rollout is stuck: Pod two: ErrImagePull: not found\.$/,
  ],
  [
    "the spec is not accepted, and no pod serves the last good config",
    { translation: translation({ infra: undefined }), pods: NONE_READY, rollout: ROLLING },
    "False NotAccepted",
    "False NoReadyPods",
    /The last good config stays in force\./,
  ],
  [
    "what is to be written does not fit",
    { rendered: { serving: undefined, problem: { reason: "TooLarge", message: "is too large", at: "spec" } } },
    "False NotApplied",
    "True Ready",
    /spec: is too large/,
  ],
  [
    "the API server refuses an object",
    { refusals: ["Deployment wsproxy-chat: spec.template is wrong", "Service wsproxy-chat: no"] },
    "False NotApplied",
    "True Ready",
    /spec.template is wrong; Service wsproxy-chat: no/,
  ],
  [
    "the Service could never be written",
    { refusals: ["Service wsproxy-chat: no"], hasService: false, address: undefined },
    "False NotApplied",
    "False NotProgrammed",
    /Service wsproxy-chat: no/,
  ],
];

test.each(cases)("%s", (_title, parts, programmed, ready, words) => {
  const status = statusOf(findings(parts), undefined, NOW);
  expect(schema.parse(status)).toEqual(status);
  expect([brief(status, "Programmed"), brief(status, "Ready")]).toEqual([programmed, ready]);
  expect(condition(status, "Programmed")?.message).toMatch(words);
});

test("names of pods leave room for what Kubernetes says, and for what else is wrong", () => {
  const long = (prefix: string): string[] => "12345".split("").map((at) => `${prefix}${"x".repeat(70)}${at}`);
  const [behind, notReady, older] = ["b", "n", "o"].map(long) as [string[], string[], string[]];
  const words = "w".repeat(299);
  const rollout = { ...STUCK, behind, notReady, older, words };
  const pods = { ...READY, silent: behind.slice(0, 2), strangers: long("s") };
  const said = (parts: Partial<Findings>): string =>
    condition(statusOf(findings({ rollout, pods, ...parts }), undefined, NOW), "Programmed")?.message ?? "";
  expect(said({})).toContain(`${words}. With the labels`);
  expect(said({})).toContain(` ${notReady[0]} and 4 more.`);
  const refusals = ["r".repeat(300), "q".repeat(300)];
  expect(said({ refusals })).toContain(`${refusals.join("; ")}; the rollout is stuck: ${words}.`);
  expect(said({ translation: translation({ infra: undefined }) })).toContain(`${words}.`);
});
