import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { REFUSING_PORTS } from "../fakes/ports.ts";
import { command } from "./command.ts";
import { walkthrough } from "./walkthrough.ts";
import { ROOT } from "./tools.ts";

test("commands for a cluster are taken as they stand, those for the machine are left out", async () => {
  const script = await walkthrough("guides/kind.md");
  expect(script).toContain("helm upgrade --install wsproxy charts/wsproxy --namespace wsproxy-system");
  expect(script).not.toMatch(/^(kind|make|buildah) /m);
});

test("the script waits until a port-forward listens before it connects", async () => {
  const lines = (await walkthrough("guides/kind.md")).split("\n");
  const forward = lines.findIndex((line) => line.includes("port-forward"));
  expect(lines[forward]).toMatch(/ 8080:80 & until .*127\.0\.0\.1\/8080/);
  expect(lines[forward + 1]).toMatch(/^bin\/wsproxy connect /);
});

test("a status with problems does not end the script, and a trace lasts no longer than it has to", async () => {
  const script = await walkthrough("guides/what-is-going-on.md#With the command line");
  expect(script.match(/^kubectl wsproxy status .* \|\| \[ \$\? -eq 1 \]$/gm)).toHaveLength(1);
  expect(script.match(/^kubectl wsproxy trace .* --for 2s$/gm)).toHaveLength(2);
});

test("a page without commands is an error", async () => {
  const pages = await readdir(join(ROOT, "docs/reference"));
  expect(pages).toContain("reasons.md");
  await expect(walkthrough("reference/reasons.md")).rejects.toThrow("no commands");
});

test("the script does not wait for a port-forward that has ended", async () => {
  const line = (await walkthrough("guides/kind.md")).split("\n").find((one) => one.includes("port-forward"));
  const port = REFUSING_PORTS[0];
  const script = `kubectl() { return 7; }\n${line?.replaceAll("8080", String(port))}`;
  await expect(command("bash", ["-euo", "pipefail", "-c", script])).rejects.toThrow("No such process");
});
