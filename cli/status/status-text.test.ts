import { expect, test } from "vitest";
import type { Facts } from "./facts.ts";
import { NextCommands } from "./next-commands.ts";
import { problemsOf } from "./problems.ts";
import { factsIn } from "./proxy-facts.ts";
import { reportOf } from "./report.ts";
import { statusText } from "./status-text.ts";
import type { ProxyMetrics } from "./process-metrics.ts";

const NOW = Date.parse("2030-01-01T00:00:00Z");
const typed = {
  in: "cluster",
  proxy: "chat",
  namespace: undefined,
  context: undefined,
  kubeconfig: undefined,
} as const;
const next = new NextCommands(typed, "demo");

function facts(more: Partial<Facts>): Facts {
  return { title: "demo/chat", single: false, now: NOW, processes: [], gaps: [], ...more };
}

function judged(all: Facts): { text: string; problems: readonly string[]; commands: readonly string[] } {
  const report = reportOf(all);
  const problems = problemsOf(report, all.proxy, { name: "chat", base: "wsproxy-chat" }, next);
  return {
    text: statusText(report, problems, next),
    problems: problems.map(({ what }) => what),
    commands: problems.flatMap((one) => one.next),
  };
}

function process(name: string, own: Partial<ProxyMetrics>): Facts["processes"][number] {
  const metrics = { routes: new Map<string, number>(), sessions: 0, ...own };
  return { id: name, name, gaps: [], metrics: { proxies: new Map([["demo/chat", metrics]]) } };
}

function pod(name: string, more: object = {}): NonNullable<Facts["pods"]>[number] {
  return {
    uid: name,
    name,
    adminPort: 9090,
    runs: true,
    leaving: false,
    phase: "Running",
    ready: true,
    created: "2029-12-31T00:00:00Z",
    container: { name: "wsproxy", restarts: 0 },
    ...more,
  };
}

test("a limit counts over all pods where there is a store, else the fullest pod counts", () => {
  const spec = {
    policies: { connections: [{ per: "Route", limit: 10 }] },
    routes: [{ name: "main" }],
  };
  const processes = [4, 6, 5].map((count, index) => process(`chat-${index}`, { routes: new Map([["main", count]]) }));
  const own = facts({ proxy: factsIn({ spec, status: { observedGeneration: 0 } }), processes });
  expect(reportOf(own).limits).toMatchObject([{ used: 6, limit: 10, pod: "chat-1" }]);
  expect(judged(own).problems).toEqual([]);
  const proxy = factsIn({ spec: { ...spec, store: {} }, status: { observedGeneration: 0 } });
  const shared = facts({ proxy, processes });
  expect(reportOf(shared).limits).toMatchObject([{ used: 15, limit: 10 }]);
  expect(judged(shared).problems).toEqual(["connections per Route of main: 150 % are used"]);
});

test("a certificate that lives for days is due in the last quarter of its time, another one 14 days before its end", () => {
  const day = 86_400;
  const due = (lives: number, left: number): readonly string[] => {
    const until = NOW / 1000 + left * day;
    return judged(facts({ processes: [process("a", { certificate: { from: until - lives * day, until } })] })).problems;
  };
  expect(due(365, 15)).toEqual([]);
  expect(due(365, 13.5)).toEqual([
    "the certificate of the listener expires in 13 days: renew the Secret; no pod has to be restarted",
  ]);
  expect(due(4, 2)).toEqual([]);
  expect(due(4, 0.5)).toHaveLength(1);
  expect(due(4, -1)).toEqual([
    "the certificate of the listener has expired: renew the Secret; no pod has to be restarted",
  ]);
});

test("pods that leave or have ended are shown, and are no problem; a sidecar's log is that of its container", () => {
  const ended = { reason: "Error", code: 1, at: "2029-12-31T23:59:00Z" };
  const pods = [
    pod("leaving", { ready: false, leaving: true }),
    pod("evicted", { ready: false, phase: "Failed" }),
    pod("restarted", { container: { name: "wsproxy", restarts: 3, ended } }),
    pod("long-ago", { container: { name: "wsproxy", restarts: 3, ended: { ...ended, at: "2029-12-31T20:00:00Z" } } }),
    pod("unready", { ready: false }),
  ];
  const { text, problems, commands } = judged(facts({ pods }));
  expect(problems).toEqual([
    "the data plane of pod restarted ended at 2029-12-31T23:59:00Z with Error (1), restarts: 3",
    "pod unready is not ready: a readiness probe fails",
  ]);
  expect(commands).toEqual([
    "kubectl --namespace demo logs restarted --container wsproxy --previous --tail 50",
    "kubectl --namespace demo describe pod unready",
  ]);
  expect(text).toMatch(/^leaving +no .* is being deleted$/m);
  expect(text).toMatch(/^evicted +no .* Failed$/m);
});

test("where the spec is not accepted, what follows from it is no problem of its own", () => {
  const said = (type: string, status: string, reason: string): object => ({
    type,
    status,
    reason,
    message: `${type}!`,
  });
  const conditions = [
    said("Accepted", "False", "Invalid"),
    said("ResolvedRefs", "Unknown", "NotAccepted"),
    said("Programmed", "False", "NotAccepted"),
    said("Ready", "True", "Ready"),
  ];
  const { problems, commands } = judged(facts({ proxy: factsIn({ status: { observedGeneration: 0, conditions } }) }));
  expect(problems).toEqual(["Accepted is False, Invalid: Accepted!"]);
  expect(commands).toEqual(["kubectl --namespace demo edit wsp chat"]);
  const rolling = [said("Programmed", "False", "RollingOut")];
  expect(
    judged(facts({ proxy: factsIn({ status: { observedGeneration: 0, conditions: rolling } }) })).commands,
  ).toEqual(["kubectl --namespace demo rollout status deployment/wsproxy-chat"]);
});

test("mode Sidecar without pods, and backends of which the Service leads outside or has no port", () => {
  const status = { observedGeneration: 0 };
  const proxy = factsIn({ spec: { mode: "Sidecar" }, status });
  expect(judged(facts({ proxy, pods: [] })).commands).toEqual([
    "kubectl --namespace demo get pods --selector wsproxy.dev/inject=chat",
  ]);
  const backend = { service: "echo", port: "80", routes: ["a"], ready: 0, all: 0 };
  const backends = { backends: [{ ...backend, state: "ByName" as const }], more: 3 };
  const { text, problems } = judged(facts({ proxy, backends }));
  expect(problems).toEqual([]);
  expect(text).toContain("a name outside");
  expect(text).toContain("and 3 more that were not looked at");
});

test("many pods, problems and long texts are cut, and nothing of them reaches the terminal as a control", () => {
  const hostile = `\u001b[2J\u202e\n${"x".repeat(100_000)}`;
  const serves = [
    { proxy: "demo/chat", hash: "h", rejected: { hash: "h", stage: "config" as const, problems: [hostile] } },
  ];
  const pods = Array.from({ length: 300 }, (_, index) => pod(`chat-${index}`));
  const processes = pods.map(({ name }) => ({ id: name, name, gaps: [], serves }));
  const conditions = [{ type: "Ready", status: "False", reason: hostile, message: hostile }];
  const { text } = judged(
    facts({ proxy: factsIn({ status: { observedGeneration: 0, conditions } }), pods, processes }),
  );
  expect(text.match(/^chat-\d+ /gm)).toHaveLength(100);
  expect(text).toContain("and 200 more pods; -o json has all");
  expect(text.match(/^- /gm)).toHaveLength(50);
  expect(text).toContain("and 251 more; -o json has all");
  expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThan(800);
  // eslint-disable-next-line no-control-regex
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
});
