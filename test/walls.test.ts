import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

// The project's own tsconfigs and lint rules, tried on small folders in which each file has one import too many.

const root = resolve(import.meta.dirname, "..");
const folders = [
  "api",
  "generate",
  "runtime",
  "operator/kube",
  "operator/translate",
  "operator/render",
  "operator",
  "dataplane",
  "cli",
  "examples",
] as const;
type Folder = (typeof folders)[number];

/** What each folder may import of the others. */
const doors: Readonly<Record<Folder, readonly Folder[]>> = {
  api: [],
  generate: ["api"],
  runtime: [],
  "operator/kube": ["runtime"],
  "operator/translate": ["api"],
  "operator/render": ["api", "operator/translate"],
  operator: ["api", "runtime", "operator/kube", "operator/translate", "operator/render"],
  dataplane: ["api", "runtime"],
  cli: [
    "api",
    "runtime",
    "operator/kube",
    "operator/translate",
    "operator/render",
    "operator",
    "dataplane",
    "examples",
  ],
  examples: ["runtime"],
};

const NODE = ["node:fs", "node:fs/promises"];
const NPM = [
  "@kubernetes/client-node",
  "@peculiar/x509",
  "@redis/client",
  "jose",
  "lru-cache",
  "oauth4webapi",
  "pino",
  "prom-client",
  "reflect-metadata",
  "ws",
  "yaml",
  "zod",
];
const packages = [...NPM, ...NODE, "fs", "zod/v4", "never-heard-of"];

/** What may be imported from outside in a file of that name; everything else is refused. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  "api/policies/any.ts": ["zod"],
  "generate/any.ts": ["yaml", "zod", ...NODE],
  "runtime/any.ts": NODE,
  "runtime/log.ts": ["pino", ...NODE],
  "operator/any.ts": NODE,
  "operator/metrics.ts": ["prom-client", ...NODE],
  "operator/admission/certificates/issue.ts": ["@peculiar/x509", "reflect-metadata", ...NODE],
  "operator/kube/any.ts": ["@kubernetes/client-node", ...NODE],
  "operator/translate/any.ts": [],
  "operator/render/any.ts": [],
  "dataplane/any.ts": ["lru-cache", ...NODE],
  "dataplane/metrics.ts": ["prom-client", ...NODE],
  "dataplane/process/store-metrics.ts": ["prom-client", ...NODE],
  "dataplane/limits/store/any.ts": ["@redis/client", ...NODE],
  "dataplane/auth/any.ts": ["jose", "lru-cache", "oauth4webapi", ...NODE],
  "cli/any.ts": ["yaml", ...NODE],
  "cli/connect/any.ts": ["ws", ...NODE],
  "examples/sample-backend/any.ts": ["ws", ...NODE],
  "dataplane/any.test.ts": packages,
};

const pairs = folders.flatMap((from) => folders.filter((to) => to !== from).map((to) => [from, to] as const));
const crossing = (from: Folder, to: Folder): string => `${from}/to-${to.replace("/", "-")}.ts`;

let yard: string;
let compiled: string;
let linted: string;

beforeAll(async () => {
  yard = await mkdtemp(join(tmpdir(), "wsproxy-walls-"));
  await symlink(join(root, "node_modules"), join(yard, "node_modules"));
  for (const file of ["package.json", "tsconfig.base.json", ".oxlintrc.json"])
    await cp(join(root, file), join(yard, file));
  for (const folder of folders) {
    await cp(join(root, folder, "tsconfig.json"), join(yard, folder, "tsconfig.json"));
    await write(`${folder}/here.ts`, "export const here = 1;");
  }
  for (const [from, to] of pairs)
    await write(crossing(from, to), `export { here } from "${"../".repeat(from.split("/").length)}${to}/here.ts";`);
  for (const folder of ["api", "operator/translate"]) {
    await write(`${folder}/environment.ts`, "export const home = process.env;");
    await write(`${folder}/clock.ts`, "export const late = setTimeout(() => {}, 1);");
  }
  await write("runtime/promise.ts", "const tell = async () => {};\nexport const told = () => {\n  tell();\n};");
  await write("runtime/round.ts", 'import { trip } from "./trip.ts";\nexport const round = () => trip;');
  await write("runtime/trip.ts", 'import { round } from "./round.ts";\nexport const trip = () => round;');
  compiled = await said("tsc", "-b", "--pretty", "false", ...folders);
  for (const file of Object.keys(rooms))
    await write(file, packages.map((name, i) => `export { a as a${i} } from "${name}";`).join("\n"));
  linted = await said("oxlint", "--format", "unix", ".");
});

afterAll(() => rm(yard, { recursive: true, force: true }));

describe("between folders, by the compiler", () => {
  test.each(pairs.filter(([from, to]) => doors[from].includes(to)))("%s may import %s", (from, to) => {
    expect(linesOf(compiled, crossing(from, to))).toEqual([]);
  });

  test.each(pairs.filter(([from, to]) => !doors[from].includes(to)))("%s may not import %s", (from, to) => {
    expect(linesOf(compiled, crossing(from, to)).join()).toMatch(/not under 'rootDir'|not listed within the file list/);
  });

  test.each(["api", "operator/translate"])("%s knows neither Node nor timers", (folder) => {
    expect(linesOf(compiled, `${folder}/environment.ts`).join()).toContain("Cannot find name 'process'");
    expect(linesOf(compiled, `${folder}/clock.ts`).join()).toContain("Cannot find name 'setTimeout'");
  });
});

describe("around packages, by the linter", () => {
  test.each(Object.entries(rooms))("%s may import %j from outside, and nothing else", (file, allowed) => {
    const refused = linesOf(linted, file).map((line) => /'(\S+)' import is restricted/.exec(line)?.[1]);
    expect(refused.filter((name) => name !== undefined).toSorted()).toEqual(
      packages.filter((name) => !allowed.includes(name)).toSorted(),
    );
  });

  test("modules that import each other in a circle are refused", () => {
    expect(linesOf(linted, "runtime/round.ts").join()).toContain("import(no-cycle)");
  });

  test("a promise that no code waits for is refused", () => {
    expect(linesOf(linted, "runtime/promise.ts").join()).toContain("typescript(no-floating-promises)");
  });
});

async function write(file: string, content: string): Promise<void> {
  await mkdir(dirname(join(yard, file)), { recursive: true });
  await writeFile(join(yard, file), `${content}\n`);
}

/** What a checker prints about the yard. */
async function said(checker: string, ...parameters: string[]): Promise<string> {
  const process = spawn(join(root, "node_modules/.bin", checker), parameters, { cwd: yard });
  const [out, err] = await Promise.all([text(process.stdout), text(process.stderr)]);
  return out + err;
}

/** The lines that name a file first. */
function linesOf(output: string, file: string): readonly string[] {
  return output.split("\n").filter((line) => line.replace(/^\.\//, "").startsWith(file));
}
