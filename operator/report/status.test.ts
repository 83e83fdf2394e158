import { expect, test } from "vitest";
import { NO_PODS } from "../../test/fakes/pod-state.ts";
import { CONDITION_TYPES } from "../../api/conditions.ts";
import { status as schema } from "../../api/status.ts";
import { brief, condition, DONE, findings, said, translation } from "../../test/fakes/findings.ts";
import { statusOf } from "./status.ts";

const THEN = Date.UTC(2026, 10, 1, 12, 0, 0, 999);
const NOW = Date.UTC(2026, 10, 1, 13, 30, 0, 1);

test("all that there is to say, in one value that the CRD takes", () => {
  const status = statusOf(findings(), undefined, NOW);
  expect(schema.parse(status)).toEqual(status);
  expect(status).toMatchObject({
    observedGeneration: 3,
    address: "wsproxy-chat.demo.svc:80",
    acceptedRoutes: "1/2",
    dataplane: {
      replicas: 2,
      readyReplicas: 2,
      configHash: "c".repeat(64),
      selector: "wsproxy.dev/proxy=wsproxy-chat",
    },
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

test("a condition keeps its time until its status changes, whatever else does", () => {
  const before = statusOf(
    findings({
      pods: { ...NO_PODS, pods: 1 },
      rollout: { ...DONE, state: "Rolling" },
    }),
    undefined,
    THEN,
  );
  const after = statusOf(findings({ generation: 4, refusals: ["no"], hasService: false }), before, NOW);
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

test("remarks stand at the end of the message of Programmed, whatever its reason", () => {
  const message = (parts: Parameters<typeof findings>[0]): string =>
    statusOf(findings({ ...parts, remarks: ["It is fought over."] }), undefined, NOW).conditions?.find(
      ({ type }) => type === "Programmed",
    )?.message ?? "";
  expect(message({})).toMatch(/\. It is fought over\.$/);
  expect(message({ refusals: ["no"] })).toMatch(/no.* It is fought over\.$/);
});
