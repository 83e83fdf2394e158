import { spawnSync } from "node:child_process";
import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { temporaryFolder } from "../fakes/program.ts";
import { CHART } from "./helm.ts";

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const RULES = join(CHART, "files/alerts.yaml");
const CASES = join(import.meta.dirname, "alerts.test.yaml");
const groups = (parse(await readFile(RULES, "utf8")) as { groups: { rules: Alert[] }[] }).groups;
const alerts = groups.flatMap(({ rules }) => rules);
const cases = await readFile(CASES, "utf8");

const promtool = spawnSync("promtool", ["--version"]).status === 0;

test.skipIf(!promtool)(
  "each alert fires when it should, and not before (skipped where promtool is not installed)",
  async () => {
    const folder = await temporaryFolder();
    await copyFile(RULES, join(folder, "alerts.yaml"));
    await copyFile(CASES, join(folder, "cases.yaml"));
    const { stdout, stderr, status } = spawnSync("promtool", ["test", "rules", join(folder, "cases.yaml")], {
      encoding: "utf8",
    });
    expect(`${status} ${stdout}${stderr}`).toMatch(/^0 .*SUCCESS/s);
  },
);

test.each(alerts)("$alert ($labels.severity) says how bad it is and what to do, and fires in a case", (alert) => {
  expect(["critical", "warning"]).toContain(alert.labels["severity"]);
  expect(alert.annotations["summary"]).toMatch(/^.{20,}$/);
  expect(alert.annotations["description"]).toMatch(/^.{50,}[.?]$/);
  const firing = (
    parse(cases) as { tests: { alert_rule_test: { alertname: string; exp_alerts: { exp_labels: object }[] }[] }[] }
  ).tests
    .flatMap((one) => one.alert_rule_test)
    .filter(({ alertname }) => alertname === alert.alert)
    .flatMap(({ exp_alerts }) => exp_alerts.map(({ exp_labels }) => exp_labels));
  expect(firing).toContainEqual(expect.objectContaining({ severity: alert.labels["severity"] }));
});
