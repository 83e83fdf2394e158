import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { z } from "zod";
import { ADMIN_PORT, ADMIN_PORT_ANNOTATION, SIDECAR } from "../api/meta.ts";
import { policiesSpec } from "../api/policies/index.ts";
import { store } from "../api/store.ts";
import { spec } from "../api/websocket-proxy.ts";
import * as words from "../operator/admission/refusal-words.ts";

const GUIDES = join(import.meta.dirname, "../docs/guides");
const ROOT = join(import.meta.dirname, "..");
const read = (file: string): string => readFileSync(file, "utf8");

/** Headings as GitHub's anchors. */
function anchors(page: string): string[] {
  return [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
}

describe.each(readdirSync(GUIDES))("%s", (name) => {
  const file = join(GUIDES, name);
  const page = read(file);

  test("is short enough to be read", () => {
    expect(page.trimEnd().split("\n").length).toBeLessThan(120);
  });

  test("has only links that lead somewhere", () => {
    const links = [...page.matchAll(/\]\(([^)]+)\)/g)]
      .map(([, link = ""]) => link)
      .filter((link) => !link.includes("://"));
    for (const link of links) {
      const [path = "", anchor] = link.split("#");
      const target = path === "" ? file : join(dirname(file), path);
      expect([link, existsSync(target)]).toEqual([link, true]);
      if (anchor !== undefined) expect(anchors(read(target)), link).toContain(anchor);
    }
  });

  test("shows manifests as they are accepted", () => {
    for (const manifest of manifests(page)) {
      const whole = manifest["kind"] === "WebSocketProxy" ? spec.safeParse(manifest["spec"]) : undefined;
      expect(whole?.error?.issues).toBeUndefined();
      expect(policiesSpec.safeParse(manifest["policies"] ?? {}).error?.issues).toBeUndefined();
    }
  });
});

test("commands that a guide shows have options that the program has", () => {
  const reference = read(join(ROOT, "docs/reference/command-line.md"));
  const helps = new Map(
    [...reference.matchAll(/^## wsproxy (\S+)\n\n```text\n([^]*?)```$/gm)].map(([, name = "", help = ""]) => [
      name,
      help,
    ]),
  );
  const shown = readdirSync(GUIDES).flatMap((name) => {
    const blocks = [...read(join(GUIDES, name)).matchAll(/```(?:sh|text)\n([^]*?)```|`([^`\n]+)`/g)];
    const lines = blocks.flatMap(([, block, inline]) => (block ?? inline ?? "").split("\n"));
    return lines.flatMap((line) => {
      const [, command = "", rest = ""] = /^(?: *next: )?(?:kubectl |bin\/)?wsproxy ([a-z-]+)(.*)$/.exec(line) ?? [];
      return helps.has(command) ? [{ name, line, command, options: rest.match(/(?<= )--?[a-z][a-z-]*/g) ?? [] }] : [];
    });
  });
  expect(shown.length).toBeGreaterThan(10);
  const has = (command: string, option: string): boolean =>
    new RegExp(`^ +(?:-\\w, +)?${option}(?:,| )`, "m").test(helps.get(command) ?? "");
  for (const { command, options, name, line } of shown) {
    expect([name, line, options.filter((option) => !has(command, option))]).toEqual([name, line, []]);
  }
});

test("the Role for the commands has the same rules in the guide and in the reference", () => {
  const rulesOf = (file: string): unknown => manifests(read(file)).find(({ kind }) => kind === "Role")?.["rules"];
  const rules = rulesOf(join(GUIDES, "what-is-going-on.md"));
  expect(rules).toHaveLength(5);
  expect(rulesOf(join(ROOT, "docs/reference/command-line.md"))).toEqual(rules);
});

test("the guide to metrics lists each alert, with its severities", () => {
  const { groups } = parse(read(join(ROOT, "charts/wsproxy/files/alerts.yaml"))) as {
    groups: { rules: { alert: string; labels: { severity: string } }[] }[];
  };
  const severities = Map.groupBy(
    groups.flatMap(({ rules }) => rules),
    ({ alert }) => alert,
  );
  const wanted = [...severities].map(
    ([alert, rules]) => `${alert}: ${rules.map(({ labels }) => labels.severity).join(", ")}`,
  );
  const listed = [...read(join(GUIDES, "metrics.md")).matchAll(/^\| (WSProxy\w+) \| ([a-z, ]+) \|/gm)].map(
    ([, alert, severity]) => `${alert}: ${severity}`,
  );
  expect(listed.toSorted()).toEqual(wanted.toSorted());
});

test("values of the chart that a guide names are there", () => {
  const table = read(join(ROOT, "docs/reference/chart-values.md"));
  const pages = readdirSync(GUIDES)
    .map((name) => read(join(GUIDES, name)))
    .join("\n");
  const groups =
    "image|crds|rbac|networkPolicy|monitoring|serviceAccount|podDisruptionBudget|dataplane.image|watchNamespaces|imagePullSecrets";
  const named = [...pages.matchAll(new RegExp(`(?<![-.\\w])((?:${groups})(?:\\.[A-Za-z]+)*)=`, "g"))].map(
    ([, value]) => value,
  );
  expect(named.length).toBeGreaterThan(8);
  expect(named.filter((value) => !table.includes(`| \`${value}\` |`))).toEqual([]);
});

test("the rules for prometheus-adapter have the form that it reads", () => {
  const values = manifests(read(join(GUIDES, "autoscaling.md"))).filter((one) => "rules" in one);
  const resource = z.strictObject({ group: z.string().optional(), resource: z.string() });
  const rule = z.strictObject({
    seriesQuery: z.string(),
    resources: z.strictObject({ overrides: z.record(z.string(), resource) }),
    name: z.strictObject({ matches: z.string().optional(), as: z.string() }),
    metricsQuery: z.string().regex(/<<\.Series>>\{<<\.LabelMatchers>>\}.* by \(<<\.GroupBy>>\)$/),
  });
  const prometheus = z.strictObject({ url: z.url(), port: z.int() });
  const chart = z.strictObject({ prometheus, rules: z.strictObject({ custom: z.array(rule).min(1) }) });
  expect(values.map((one) => chart.safeParse(one).error?.issues)).toEqual([undefined]);
});

test("the guide to sidecars quotes the words with which a pod is refused", () => {
  const [, section = ""] = read(join(GUIDES, "sidecar.md")).split("## A pod is refused\n");
  const quotes = [...section.matchAll(/^\| (`.+?`) \|/gm)].flatMap(([, cell = ""]) => cell.slice(1, -1).split("`, `"));
  const sentences = [
    words.missing("chat", "demo"),
    words.notInForce("chat"),
    words.ofModeGateway("chat"),
    words.notSelected("chat", [["app", "chat"]]),
    words.listenerPortTaken("app", 8080, "chat"),
    words.adminPortTaken("app", ADMIN_PORT),
    words.portNameTaken("app", SIDECAR.listener),
    ...[words.nameTaken, words.onHostNetwork, words.onWindows, words.ofANode],
    // What the API server says where no operator answers.
    'failed calling webhook "inject.wsproxy.dev"',
  ];
  expect(quotes.filter((quote) => !sentences.some((one) => one.includes(quote)))).toEqual([]);
  expect(sentences.filter((one) => !quotes.some((quote) => one.includes(quote)))).toEqual([]);
  expect(section).toContain(`\`${ADMIN_PORT_ANNOTATION}: "`);
});

test("the gateway that a guide moves to has the routes and policies of the sidecars that it takes over from", () => {
  const proxies = (documents: readonly Record<string, unknown>[]) =>
    documents.filter(({ kind }) => kind === "WebSocketProxy").map((one) => spec.parse(one["spec"]));
  const [gateway] = proxies(manifests(read(join(GUIDES, "gateway-or-sidecar.md"))));
  const example = parseAllDocuments(read(join(ROOT, "examples/sidecar/proxy.yaml")));
  const [sidecar] = proxies(example.map((document) => document.toJS() as Record<string, unknown>));
  const alike = (one: typeof gateway) => ({
    routes: one?.routes.map(({ backends: _, ...rest }) => rest),
    policies: one?.policies,
    drain: one?.dataplane.drain,
  });
  expect(alike(gateway)).toEqual(alike(sidecar));
  expect(gateway?.routes[0]?.backends[0]?.port).toBe(sidecar?.routes[0]?.backends[0]?.port);
  expect([gateway?.mode, sidecar?.mode]).toEqual(["Gateway", "Sidecar"]);
});

test("the guide to shared limits shows stores as they are accepted", () => {
  const page = read(join(GUIDES, "shared-limits.md"));
  const patches = [...page.matchAll(/--patch \\\n +'(.*)'$/gm)].map(([, text = ""]) => JSON.parse(text) as object);
  const specs = [...manifests(page), ...patches] as { readonly spec?: { readonly store?: unknown } }[];
  const stores = specs.flatMap(({ spec: one }) => (one?.store === undefined ? [] : [one.store]));
  expect(stores.length).toBe(2);
  expect(stores.map((one) => store.safeParse(one).error?.issues)).toEqual(stores.map(() => undefined));
});

test("the guide to refusals quotes why a store is unavailable as the log tells it", () => {
  const [, section = ""] = read(join(GUIDES, "refused.md")).split("## Clients get 503 StoreUnavailable\n");
  const quotes = [...section.matchAll(/`(its? [^`…]*)/g)].map(([, quote = ""]) => quote.trim());
  const told = sources("dataplane/limits/store").join("\n");
  expect(quotes.length).toBeGreaterThan(10);
  expect(quotes.filter((quote) => !told.includes(quote))).toEqual([]);
});

/** The code in a folder, without its tests. */
function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .map((name) => read(join(ROOT, folder, name)));
}

/** Every YAML document of a page that is a map: fenced, or given to kubectl. */
function manifests(page: string): Record<string, unknown>[] {
  const fenced = [...page.matchAll(/```ya?ml\n([^]*?)```/g)].map(([, text = ""]) => text);
  const given = [...page.matchAll(/<<'YAML'\n([^]*?)\nYAML/g)].map(([, text = ""]) => text);
  return [...fenced, ...given].flatMap((text) =>
    parseAllDocuments(text).map((document) => {
      expect([text, document.errors]).toEqual([text, []]);
      return document.toJS() as Record<string, unknown>;
    }),
  );
}
