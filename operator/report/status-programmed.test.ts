import { expect, test } from "vitest";
import { gateway } from "../../api/pods.ts";
import { status as schema } from "../../api/status.ts";
import { brief, condition, findings, INFRA, QUIET, translation } from "../../test/fakes/findings.ts";
import { statusOf, type Findings } from "./status.ts";

const NOW = Date.UTC(2026, 10, 1, 13, 30, 0, 1);

const refusing = (stage: "config" | "listener", ...problems: string[]) => ({
  pod: "one",
  hash: "c".repeat(64),
  stage,
  problems,
});

const cases: readonly [title: string, parts: Partial<Findings>, programmed: string, ready: string, words: RegExp][] = [
  ["every ready pod serves it", {}, "True Programmed", "True Ready", /^Every ready data plane pod/],
  [
    "one of the ready pods is behind",
    { pods: { ...QUIET, pods: 3, ready: ["one", "two"], behind: ["two"], refusing: [] } },
    "False Pending",
    "False NotProgrammed",
    /1 of 2 ready pods: two\./,
  ],
  [
    "many pods are behind",
    { pods: { ...QUIET, pods: 9, ready: "123456789".split(""), behind: "1234567".split(""), refusing: [] } },
    "False Pending",
    "False NotProgrammed",
    /7 of 9 ready pods: 1, 2, 3, 4, 5 and 2 more\./,
  ],
  [
    "no pod is ready",
    { pods: { ...QUIET, pods: 2, ready: [], behind: [], refusing: [] } },
    "False Pending",
    "False NoReadyPods",
    /None of 2 pods is ready/,
  ],
  [
    "there is no pod yet",
    { pods: { ...QUIET, pods: 0, ready: [], behind: [], refusing: [] } },
    "False Pending",
    "False NoReadyPods",
    /no pods yet/,
  ],
  [
    "no pods, and Kubernetes says why",
    { pods: { ...QUIET, pods: 0, ready: [], behind: [], refusing: [] }, holdUp: "Deployment wsproxy-chat: no quota." },
    "False Pending",
    "False NoReadyPods",
    /There are no pods yet\. Deployment wsproxy-chat: no quota\.$/,
  ],
  [
    "a pod talks nonsense",
    {
      pods: {
        ...QUIET,
        pods: 3,
        ready: ["one", "three", "two"],
        behind: ["three", "two"],
        refusing: [],
        unusable: [
          { pod: "three", words: "its answer is not JSON" },
          { pod: "two", words: "its answer is longer than 4096 bytes" },
        ],
      },
    },
    "False Pending",
    "False NotProgrammed",
    /2 of 3 ready pods: three, two\. Pod three gives no usable report: its answer is not JSON\. Nor do two\.$/,
  ],
  [
    "other pods have the proxy's labels",
    {
      pods: {
        ...QUIET,
        pods: 1,
        ready: ["one"],
        behind: [],
        refusing: [],
        strangers: Array.from({ length: 7 }, (_, index) => `stranger-${index}`),
      },
    },
    "True Programmed",
    "True Ready",
    /this generation\. With the labels of this proxy, and not its own, .*: stranger-0, .*stranger-4 and 2 more\.$/,
  ],
  [
    "a pod refuses the config",
    {
      pods: {
        ...QUIET,
        pods: 2,
        ready: ["one"],
        behind: ["one"],
        refusing: [refusing("config", "config.x: unknown field", "more")],
      },
    },
    "False ConfigRejected",
    "False NotProgrammed",
    /keeps the last good one\. Pod one: config.x: unknown field; more$/,
  ],
  [
    "no pod can open its listener",
    {
      pods: {
        ...QUIET,
        pods: 2,
        ready: [],
        behind: [],
        refusing: [refusing("listener", "port 443 needs a privilege")],
      },
    },
    "False ListenerFailed",
    "False NoReadyPods",
    /Pod one: port 443 needs a privilege$/,
  ],
  [
    "no pod is to serve",
    {
      translation: translation({ infra: { ...INFRA, gateway: gateway.parse({ replicas: 0 }) } }),
      pods: { ...QUIET, pods: 0, ready: [], behind: [], refusing: [] },
    },
    "False Pending",
    "False NoReadyPods",
    /spec.gateway.replicas is 0/,
  ],
  [
    "the spec is not accepted, and nothing is in force",
    {
      translation: translation({ config: undefined, infra: undefined }),
      rendered: { serving: undefined, problem: undefined },
      pods: { ...QUIET, pods: 0, ready: [], behind: [], refusing: [] },
    },
    "False NotAccepted",
    "False NotProgrammed",
    /not accepted\.$/,
  ],
  [
    "the spec is not accepted, and the last good config is served",
    { translation: translation({ infra: undefined }) },
    "False NotAccepted",
    "False NotProgrammed",
    /The last good config stays in force\./,
  ],
  [
    "what is to be written does not fit",
    { rendered: { serving: undefined, problem: { reason: "TooLarge", message: "is too large", at: "spec" } } },
    "False NotApplied",
    "False NotProgrammed",
    /spec: is too large/,
  ],
  [
    "the API server refuses an object",
    { refusals: ["Deployment wsproxy-chat: spec.template is wrong", "Service wsproxy-chat: no"] },
    "False NotApplied",
    "False NotProgrammed",
    /spec.template is wrong; Service wsproxy-chat: no/,
  ],
];

test.each(cases)("%s", (_title, parts, programmed, ready, words) => {
  const status = statusOf(findings(parts), undefined, NOW);
  expect(schema.parse(status)).toEqual(status);
  expect([brief(status, "Programmed"), brief(status, "Ready")]).toEqual([programmed, ready]);
  expect(condition(status, "Programmed")?.message).toMatch(words);
});
