import { spawnSync } from "node:child_process";
import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { temporaryFolder } from "../fakes/program.ts";
import { CHART } from "./helm.ts";
import { selectorsOf } from "./selectors.ts";

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A case of promtool's: a situation, and what is expected of alerts in it. */
interface Case {
  readonly name: string;
  readonly alert_rule_test?: readonly { readonly alertname: string; readonly exp_alerts: readonly Firing[] }[];
}

interface Firing {
  readonly exp_labels: Readonly<Record<string, string>>;
}

const RULES = join(CHART, "files/alerts.yaml");
const FILES = ["alerts.test.yaml", "alerts-days.test.yaml", "alerts-silent.test.yaml"];
const groups = (parse(await readFile(RULES, "utf8")) as { groups: { rules: Alert[] }[] }).groups;
const alerts = groups.flatMap(({ rules }) => rules);
const texts = await Promise.all(FILES.map((file) => readFile(join(import.meta.dirname, file), "utf8")));
const cases = texts.flatMap((text) => (parse(text) as { tests: Case[] }).tests);

const promtool = spawnSync("promtool", ["--version"]).status === 0;

test.skipIf(!promtool).each(FILES)(
  "each alert fires when it should, and not before or beside: %s (skipped where promtool is not installed)",
  async (file) => {
    const folder = await temporaryFolder();
    await copyFile(RULES, join(folder, "alerts.yaml"));
    await copyFile(join(import.meta.dirname, file), join(folder, file));
    const { stdout, stderr, status } = spawnSync("promtool", ["test", "rules", join(folder, file)], {
      encoding: "utf8",
    });
    expect(`${status} ${stdout}${stderr}`).toMatch(/^0 .*SUCCESS/s);
  },
);

describe.each(alerts)("$alert ($labels.severity)", (alert) => {
  /** By situation, what is expected of this alert. */
  const expected = cases
    .map(({ alert_rule_test = [] }) => alert_rule_test.filter(({ alertname }) => alertname === alert.alert))
    .filter((some) => some.length > 0)
    .map((some) => some.flatMap(({ exp_alerts }) => exp_alerts.map(({ exp_labels }) => exp_labels)));

  test("says how bad it is and what to do", () => {
    expect(["critical", "warning"]).toContain(alert.labels["severity"]);
    expect(alert.annotations["summary"]).toMatch(/^.{20,}$/);
    expect(alert.annotations["description"]).toMatch(/^.{50,}[.?]$/);
  });

  test("has a case in which it fires, and a situation beside in which it is silent all the time", () => {
    expect(expected.flat()).toContainEqual(expect.objectContaining({ severity: alert.labels["severity"] }));
    expect(expected).toContainEqual([]);
  });

  test("leaves out pods that take no new sessions, and keeps clusters apart", () => {
    if (
      /wsproxy_(connections_limit|config_hash|certificate_|descriptors_used|event_loop_delay|buffer_budget_used|store_available)/.test(
        alert.expr,
      )
    )
      expect(alert.expr).toMatch(/\bwsproxy_ready\)? == [01]/);
    for (const [, labels = ""] of alert.expr.matchAll(/\b(?:by|on) \(([^)]*)\)/g)) expect(labels).toMatch(/^cluster\b/);
  });
});

test("what an alert asks for is known without its reasons", () => {
  expect(
    selectorsOf('sum(a_b{x="1"}) + wsproxy_a / wsproxy_b{reason=~"X|Y", c="d"} - wsproxy_b{c="d",reason!="Z"}'),
  ).toEqual(["wsproxy_a{}", 'wsproxy_b{c="d"}']);
});
