import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { spec } from "../../api/websocket-proxy.ts";
import { CHART, helm, helmBinary } from "./helm.ts";

const MONITORED = ["--set", "monitoring.enabled=true", "--set", "monitoring.namespaces={monitoring}"];
const FROM = ["--set", "monitoring.namespaces={monitoring,shop}"];
/** As docs/guides/metrics.md has them. */
const ANNOTATED = ["--set-json", 'pod={"annotations":{"prometheus.io/scrape":"true","prometheus.io/port":"9090"}}'];

/** What Helm prints after an installation with these values; the line that begins with this word, if there is one. */
function notes(values: readonly string[], word?: string): string {
  const args = ["install", "wsproxy", CHART, "--namespace", "wsproxy-system", "--dry-run=client", ...values];
  const { status, out, err } = helm(...args);
  if (status !== 0) throw new Error(err);
  const text = out.slice(out.indexOf("NOTES:\n"));
  return word === undefined ? text : (text.split("\n").find((line) => line.startsWith(word)) ?? "");
}

describe.skipIf(helmBinary() === undefined)("the notes (skipped where Helm is not installed)", () => {
  test.each<[what: string, values: readonly string[], yes: readonly string[], no: readonly string[]]>([
    ["the defaults", [], ["makes no monitors", "keeps Prometheus away"], ["PodMonitor"]],
    [
      "monitors",
      MONITORED,
      ["PodMonitor", ", and alerts, for a Prometheus in monitoring that"],
      ["no monitors", "keeps"],
    ],
    [
      "monitors without alerts",
      [...MONITORED, "--set", "monitoring.alerts.enabled=false"],
      ["a PodMonitor for data planes, for a Prometheus in monitoring that selects them"],
      ["alerts"],
    ],
    ["annotations", [...ANNOTATED, ...FROM], ["in monitoring, shop can scrape", "The operator's pods have"], ["no "]],
    [
      "an own scrape config",
      FROM,
      ["in monitoring, shop can scrape", "makes no monitors: your Prometheus", "by its own config"],
      ["keeps", "The operator's pods have"],
    ],
    [
      "annotations alone",
      ANNOTATED,
      ["he operator's pods have", "keeps Prometheus away from data planes"],
      ["PodMonitor"],
    ],
    [
      "annotations that say no",
      [...FROM, "--set-json", 'pod={"annotations":{"prometheus.io/scrape":"false"}}'],
      ["by its own config"],
      ["The operator's pods have"],
    ],
  ])("tell the truth about metrics with %s", (_what, values, yes, no) => {
    const line = notes(values, "Metrics: ");
    for (const words of yes) expect(line).toContain(words);
    for (const words of no) expect(line).not.toContain(words);
    expect(line).toMatch(/\.$/);
  });

  test("say which pods get a gateway of mode Sidecar, and that none does where it is turned off", () => {
    expect(notes([], "Mode Sidecar: ")).toMatch(/^Mode Sidecar: pods with the label wsproxy.dev\/inject get .*refuses/);
    expect(notes(["--set", "watchNamespaces={demo,shop}"], "Mode Sidecar: ")).toContain("inject in demo, shop get");
    expect(notes(["--set", "sidecar.enabled=false"], "Mode Sidecar: ")).toMatch(/turned off.*not accepted.*without/);
  });

  test("say that limits count per pod without a store", () => {
    expect(notes([], "Limits: ")).toMatch(/^Limits: each pod .* counts limits for itself, unless its spec\.store /);
  });

  test("the manifest that they show is accepted", () => {
    const text = /<<'YAML'\n([^]*?)\n +YAML\n/.exec(notes([]))?.[1] ?? "";
    const manifest = parse(text) as { readonly kind: string; readonly spec: unknown };
    expect([manifest.kind, spec.safeParse(manifest.spec).error?.issues]).toEqual(["WebSocketProxy", undefined]);
  });

  test("an installation waits for Ready of the first proxy, and says nothing of an upgrade", () => {
    const text = notes(["--set", "watchNamespaces={demo}"]);
    expect(text).toContain("kubectl --namespace demo wait --for=condition=Ready wsp/chat");
    expect(text).not.toContain("upgrade.md");
  });
});
