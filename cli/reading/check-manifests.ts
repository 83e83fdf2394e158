import type { CommandIO } from "../line/command.ts";
import { EXIT } from "../line/exit-codes.ts";
import { readStream } from "../manifests/files.ts";
import { collect, Workspace, type Collected } from "../manifests/workspace.ts";
import { conditionTable, findingLines, isClean, type Report } from "./report.ts";
import { sidecarWarnings } from "./sidecar-warnings.ts";
import { located, notesOf, translateEach, warningsOf } from "./translated.ts";

/** Translates manifests and prints their conditions and mistakes. Resolves with the exit code. */
export async function checkManifests(
  paths: readonly string[],
  format: "table" | "json",
  /** Port that no listener can have; 0: every port can be had. */
  adminPort: number,
  { stdin, out }: Pick<CommandIO, "stdin" | "out">,
): Promise<number> {
  const fromInput = paths[0] === "-";
  const collected = fromInput
    ? collect("(standard input)", await readStream(stdin))
    : await new Workspace(paths).read();
  const report = reportOf(collected, adminPort === 0 ? undefined : adminPort);
  out.write(format === "json" ? `${JSON.stringify(machineReadable(report), null, 2)}\n` : readable(report));
  return isClean(report) ? EXIT.ok : EXIT.negative;
}

function reportOf({ manifests, findings, ignored, pods }: Collected, adminPort: number | undefined): Report {
  const translated = translateEach(manifests, undefined, adminPort);
  const none =
    translated.length === 0 && findings.length === 0 ? [{ message: "there is no WebSocketProxy in it" }] : [];
  return {
    proxies: translated.map(({ id, translation: { status } }) => ({ id, ...status })),
    findings: [...findings, ...none, ...located(translated, manifests)],
    warnings: [...warningsOf(translated, manifests), ...sidecarWarnings(translated, manifests, pods)],
    notes: notesOf(translated, manifests),
    ignored,
  };
}

function readable(report: Report): string {
  const table = report.proxies.length === 0 ? "" : conditionTable(report);
  const lines = findingLines(report);
  return [table, lines].filter((part) => part !== "").join("\n");
}

function machineReadable({ proxies, findings, warnings, ignored }: Report): unknown {
  return {
    proxies: proxies.map(({ id, conditions, routes }) => {
      const [namespace, name] = id.split("/");
      return { namespace, name, conditions, routes };
    }),
    problems: findings,
    warnings,
    ignored,
  };
}
