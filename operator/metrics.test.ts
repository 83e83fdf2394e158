import { expect, test } from "vitest";
import { BUDGETS, type Budget } from "./gather/budgets.ts";
import { OperatorMetrics, type OperatorState } from "./metrics.ts";

async function samples(metrics: OperatorMetrics, name: string): Promise<string[]> {
  const text = await metrics.registry.getSingleMetricAsString(`wsproxy_operator_${name}`);
  return text.split("\n").filter((line) => line.startsWith("wsproxy_"));
}

test("a leader tells of each proxy's conditions as they stand, and of those alone that there are", async () => {
  const metrics = new OperatorMetrics([]);
  let state: Omit<OperatorState, "queueDepth"> = {
    leading: true,
    conditions: () => [
      [
        "demo/chat",
        [
          { type: "Accepted", status: "True", reason: "PartiallyAccepted" },
          { type: "ResolvedRefs", status: "Unknown", reason: "NotAccepted" },
          { type: "Ready", status: "False", reason: "NoReadyPods" },
          { type: "Theirs", status: "True", reason: "Theirs" },
        ],
      ],
      ["demo/new", []],
    ],
    exceeded: () => [],
    retained: () => 0,
  };
  metrics.show(() => ({ queueDepth: 0, ...state }));
  expect(await samples(metrics, "proxy_condition")).toEqual([
    'wsproxy_operator_proxy_condition{proxy="demo/chat",condition="Accepted",reason="PartiallyAccepted"} 1',
    'wsproxy_operator_proxy_condition{proxy="demo/chat",condition="ResolvedRefs",reason="NotAccepted"} 0',
    'wsproxy_operator_proxy_condition{proxy="demo/chat",condition="Programmed",reason=""} 0',
    'wsproxy_operator_proxy_condition{proxy="demo/chat",condition="Ready",reason="NoReadyPods"} 0',
    ...["Accepted", "ResolvedRefs", "Programmed", "Ready"].map(
      (type) => `wsproxy_operator_proxy_condition{proxy="demo/new",condition="${type}",reason=""} 0`,
    ),
  ]);
  state = {
    ...state,
    conditions: () => [["demo/chat", [{ type: "Programmed", status: "False", reason: "RolloutStuck" }]]],
  };
  expect((await samples(metrics, "proxy_condition")).filter((line) => line.includes("Programmed"))).toEqual([
    'wsproxy_operator_proxy_condition{proxy="demo/chat",condition="Programmed",reason="RolloutStuck"} 0',
  ]);
  state = {
    ...state,
    conditions: () => [["demo/chat", [{ type: "Programmed", status: "True", reason: "Programmed" }]]],
  };
  expect((await samples(metrics, "proxy_condition")).filter((line) => line.includes("Programmed"))).toEqual([
    'wsproxy_operator_proxy_condition{proxy="demo/chat",condition="Programmed",reason="Programmed"} 1',
  ]);
  state = { leading: true, conditions: () => [], exceeded: () => [], retained: () => 0 };
  expect(await samples(metrics, "proxy_condition")).toEqual([]);
});

test("a leader tells how many pods each Deployment asks for, and of a proxy without one nothing", async () => {
  const metrics = new OperatorMetrics([]);
  const state: Omit<OperatorState, "leading"> = {
    queueDepth: 0,
    conditions: () => [
      ["demo/chat", [], 3],
      ["demo/zero", [], 0],
      ["demo/new", [], undefined],
    ],
    exceeded: () => [],
    retained: () => 0,
  };
  let leading = true;
  metrics.show(() => ({ ...state, leading }));
  expect(await samples(metrics, "proxy_replicas")).toEqual([
    'wsproxy_operator_proxy_replicas{proxy="demo/chat"} 3',
    'wsproxy_operator_proxy_replicas{proxy="demo/zero"} 0',
  ]);
  leading = false;
  expect(await samples(metrics, "proxy_replicas")).toEqual([]);
});

test("an operator that does not lead shows no proxy: what it knows may be old", async () => {
  const metrics = new OperatorMetrics([]);
  metrics.show(() => ({
    queueDepth: 0,
    leading: false,
    conditions: () => [["demo/chat", []]],
    exceeded: () => [],
    retained: () => 0,
  }));
  expect(await samples(metrics, "proxy_condition")).toEqual([]);
  expect(await samples(metrics, "leader")).toEqual(["wsproxy_operator_leader 0"]);
});

test("budgets that are spent are counted by what there is too much of, each of them from the start", async () => {
  const metrics = new OperatorMetrics([]);
  const exceeded = (): readonly Budget[][] => [["bytes", "endpoints"], ["bytes"]];
  metrics.show(() => ({ queueDepth: 0, leading: true, conditions: () => [], exceeded, retained: () => 4096 }));
  expect(await samples(metrics, "budget_exceeded")).toEqual(
    BUDGETS.map((budget) => {
      const count = budget === "bytes" ? 2 : budget === "endpoints" ? 1 : 0;
      return `wsproxy_operator_budget_exceeded{budget="${budget}"} ${count}`;
    }),
  );
  expect(await samples(metrics, "kept_bytes")).toEqual(["wsproxy_operator_kept_bytes 4096"]);
});

test("an operator that serves three namespaces has three watches of each kind", async () => {
  expect(await samples(new OperatorMetrics(["Secret", "Pod"], 3), "watches")).toEqual([
    'wsproxy_operator_watches{kind="Secret"} 3',
    'wsproxy_operator_watches{kind="Pod"} 3',
  ]);
  expect(await samples(new OperatorMetrics(["Secret"]), "watches")).toEqual([
    'wsproxy_operator_watches{kind="Secret"} 1',
  ]);
});

test("the expiry of the webhook's certificate is there from the first certificate on", async () => {
  const metrics = new OperatorMetrics([]);
  let expiry: number | undefined;
  metrics.showCertificate(() => expiry);
  const name = "webhook_certificate_expiry_timestamp_seconds";
  expect(await samples(metrics, name)).toEqual([]);
  expiry = 1_800_000_000_000;
  expect(await samples(metrics, name)).toEqual([`wsproxy_operator_${name} 1800000000`]);
});
