import type { Arguments } from "./arguments.ts";
import { UsageError } from "./arguments.ts";
import type { Command } from "./command.ts";
import { EXIT } from "./exit-codes.ts";
import { readStream } from "./manifests/files.ts";
import { collect, Workspace, type Collected } from "./manifests/workspace.ts";
import { conditionTable, findingLines, isClean, type Report } from "./report.ts";
import { located, translateAll } from "./translated.ts";

/** `wsproxy check`: what a gateway would say to these manifests, without one. */
export const check: Command = {
  synopsis: "-f PATH… [-o table|json]",
  about: `Says what is wrong with manifests, before they are used: reads WebSocketProxy, Secret, ConfigMap, Service and
EndpointSlice from files, translates them as the operator does, and prints the conditions of each proxy and route,
then every mistake on a line of its own: file:line, document, object, field, what is wrong.
Ends with 0 where everything is accepted and resolved, else with 1.`,
  options: {
    filename: {
      short: "f",
      value: "PATH",
      multiple: true,
      help: "a .yaml, .yml or .json file, a folder of them, or - for standard input",
    },
    output: { short: "o", value: "FORMAT", default: "table", help: "table, or json for machines" },
  },
  async run(args, { stdin, out }) {
    const paths = pathsOf(args);
    const format = args.word("output", ["table", "json"]);
    const report = reportOf(
      paths[0] === "-" ? collect("(standard input)", await readStream(stdin)) : await new Workspace(paths).read(),
    );
    out.write(format === "json" ? `${JSON.stringify(machineReadable(report), null, 2)}\n` : readable(report));
    return isClean(report) ? EXIT.ok : EXIT.negative;
  },
};

function pathsOf(args: Arguments): readonly string[] {
  const paths = args.list("filename");
  if (paths.length === 0) throw new UsageError("-f PATH is missing; name a manifest, a folder of them, or -");
  if (paths.includes("-") && paths.length > 1) throw new UsageError("-f - goes with no other -f");
  return paths;
}

function reportOf({ manifests, findings, ignored }: Collected): Report {
  const translated = translateAll(manifests, () => undefined);
  const none =
    translated.length === 0 && findings.length === 0 ? [{ message: "there is no WebSocketProxy in it" }] : [];
  return {
    proxies: translated.map(({ id, translation: { status } }) => ({ id, ...status })),
    findings: [...findings, ...none, ...located(translated, manifests)],
    ignored,
  };
}

function readable(report: Report): string {
  const table = report.proxies.length === 0 ? "" : conditionTable(report);
  const lines = findingLines(report);
  return [table, lines].filter((part) => part !== "").join("\n");
}

function machineReadable({ proxies, findings, ignored }: Report): unknown {
  return {
    proxies: proxies.map(({ id, conditions, routes }) => {
      const [namespace, name] = id.split("/");
      return { namespace, name, conditions, routes };
    }),
    problems: findings,
    ignored,
  };
}
