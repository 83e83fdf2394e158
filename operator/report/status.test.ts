import { expect, test } from "vitest";
import { CONDITION_TYPES, type Condition } from "../../api/conditions.ts";
import { status as schema, type WebSocketProxyStatus } from "../../api/status.ts";
import { gateway } from "../../api/pods.ts";
import { configOf, endpointsOf } from "../../test/fakes/config.ts";
import { statusOf, type Findings } from "./status.ts";
import type { Infra, Translation } from "../translate/translation.ts";

const THEN = Date.UTC(2026, 10, 1, 12, 0, 0, 999);
const NOW = Date.UTC(2026, 10, 1, 13, 30, 0, 1);

const said = <T extends "Accepted" | "ResolvedRefs">(type: T, holds = true, message = "Words."): Condition<T> =>
  ({
    type,
    status: holds ? "True" : "False",
    reason: holds ? type : type === "Accepted" ? "Invalid" : "SecretNotFound",
    message,
    observedGeneration: 3,
  }) as Condition<T>;

const INFRA: Infra = {
  mode: "Gateway",
  gateway: gateway.parse({}),
  sidecar: undefined,
  resources: {},
  listenerPort: 8080,
  servicePort: 80,
  drainPeriod: "30s",
};

/** Nothing to say of any pod. */
const QUIET = { unusable: [], strangers: [] };

function translation(parts: Partial<Translation> = {}): Translation {
  return {
    config: configOf(),
    endpoints: endpointsOf([1]),
    infra: INFRA,
    status: {
      conditions: [said("Accepted"), said("ResolvedRefs")],
      routes: [
        { name: "main", conditions: [said("Accepted"), said("ResolvedRefs")] },
        { name: "broken", conditions: [said("Accepted", false), said("ResolvedRefs", false)] },
      ],
      problems: [],
    },
    asides: [],
    ...parts,
  };
}

/** Everything in order; what is given stands over it. */
function findings(parts: Partial<Findings> = {}): Findings {
  return {
    generation: 3,
    translation: translation(),
    rendered: { serving: { hash: "c".repeat(64), endpointsHash: "e".repeat(64) }, problem: undefined },
    refusals: [],
    pods: { ...QUIET, pods: 2, ready: ["one", "two"], behind: [], refusing: [] },
    holdUp: "",
    address: "wsproxy-chat.demo.svc:80",
    ...parts,
  };
}

const condition = (status: WebSocketProxyStatus, type: string) => status.conditions?.find((it) => it.type === type);
const brief = (status: WebSocketProxyStatus, type: string): string => {
  const it = condition(status, type);
  return `${it?.status} ${it?.reason}`;
};

test("all that there is to say, in one value that the CRD takes", () => {
  const status = statusOf(findings(), undefined, NOW);
  expect(schema.parse(status)).toEqual(status);
  expect(status).toMatchObject({
    observedGeneration: 3,
    address: "wsproxy-chat.demo.svc:80",
    acceptedRoutes: "1/2",
    dataplane: { replicas: 2, readyReplicas: 2, configHash: "c".repeat(64) },
  });
  expect(status.conditions?.map(({ type }) => type)).toEqual([...CONDITION_TYPES]);
  expect(
    status.routes?.map(({ name, conditions }) => [name, conditions?.map(({ type, status: it }) => type + it)]),
  ).toEqual([
    ["main", ["AcceptedTrue", "ResolvedRefsTrue"]],
    ["broken", ["AcceptedFalse", "ResolvedRefsFalse"]],
  ]);
  for (const one of [...(status.conditions ?? []), ...(status.routes ?? []).flatMap((it) => it.conditions ?? [])]) {
    expect(one).toMatchObject({ observedGeneration: 3, lastTransitionTime: "2026-11-01T13:30:00Z" });
  }
});

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

test("a condition keeps its time until its status changes, whatever else does", () => {
  const before = statusOf(
    findings({ pods: { ...QUIET, pods: 1, ready: ["one"], behind: ["one"], refusing: [] } }),
    undefined,
    THEN,
  );
  const after = statusOf(findings({ generation: 4, refusals: ["no"] }), before, NOW);
  const timeOf = (type: string): unknown => condition(after, type)?.lastTransitionTime;
  expect(brief(after, "Programmed")).toBe("False NotApplied");
  expect(CONDITION_TYPES.map(timeOf)).toEqual(CONDITION_TYPES.map(() => "2026-11-01T12:00:00Z"));
  const good = statusOf(findings(), after, NOW);
  expect(["Accepted", "Programmed", "Ready"].map((type) => condition(good, type)?.lastTransitionTime)).toEqual([
    "2026-11-01T12:00:00Z",
    "2026-11-01T13:30:00Z",
    "2026-11-01T13:30:00Z",
  ]);
});

test("a route keeps its time by its name, wherever it stands in the list", () => {
  const before = statusOf(findings(), undefined, THEN);
  const routes = [
    { name: "new", conditions: [said("Accepted")] },
    { name: "broken", conditions: [said("Accepted")] },
    { name: "main", conditions: [said("Accepted")] },
  ];
  const now = translation();
  const after = statusOf(findings({ translation: { ...now, status: { ...now.status, routes } } }), before, NOW);
  expect(after.routes?.map(({ name, conditions }) => [name, conditions?.[0]?.lastTransitionTime])).toEqual([
    ["new", "2026-11-01T13:30:00Z"],
    ["broken", "2026-11-01T13:30:00Z"],
    ["main", "2026-11-01T12:00:00Z"],
  ]);
});

test("the same findings over their own status are the same status, later on too", () => {
  const status = statusOf(findings(), undefined, THEN);
  expect(statusOf(findings(), status, NOW)).toEqual(status);
});

test("long words of an API server are cut, and no character is cut in two", () => {
  const status = statusOf(findings({ refusals: ["😀".repeat(2000)] }), undefined, NOW);
  const message = condition(status, "Programmed")?.message ?? "";
  expect(message.length).toBeLessThanOrEqual(1024);
  expect(message.isWellFormed()).toBe(true);
});
