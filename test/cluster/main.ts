import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { emptyFolder, FOLDER, keepLogs } from "./artefacts.ts";
import { SYSTEM } from "./cluster.ts";
import { command } from "./command.ts";
import { buildImage, IMAGE, type BuiltImage } from "./image.ts";
import { chooseProvider, UnfitMachine } from "./choose-provider.ts";
import { Report } from "./report.ts";
import { runScenario, type Outcome } from "./run-scenario.ts";
import { findScenarios } from "./scenario.ts";
import { Strays } from "./strays.ts";
import { closingLine, failures, table } from "./table.ts";
import { buildTools, toolPath } from "./tools.ts";

// Brings a cluster up, runs the scenarios in it and takes it away. SCENARIO: words of the names of those that are wanted.
// WSPROXY_E2E_KEEP=1: the cluster stays, and the next run uses it. The last line says how many steps passed and failed.

process.exitCode = 1; // until the end says otherwise

const keep = process.env["WSPROXY_E2E_KEEP"] === "1";
const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => stop.abort(new Error(`ended by ${name}`)));

const scenarios = await findScenarios(process.env["SCENARIO"] ?? "");
const purposes = scenarios.flatMap(({ needs }) => needs);
const provider = await chooseProvider(process.env["WSPROXY_E2E_PROVIDER"], purposes).catch((error: unknown) => {
  if (!(error instanceof UnfitMachine)) throw error;
  console.error(`make e2e: ${error.message}`);
  process.exit(1);
});
await emptyFolder();
const around = new Report();
const outcomes: Outcome[] = [];
const strays = new Strays(process, (stray) => {
  around.step("no promise is rejected unhandled", () => Promise.reject(stray as Error)).catch(console.error);
});
try {
  const image = await prepare();
  for (const scenario of scenarios) {
    stop.signal.throwIfAborted();
    console.log(`\n${scenario.name}: ${scenario.title}`);
    outcomes.push(await runScenario(scenario, { provider, image, folder: FOLDER, stop: stop.signal, strays }));
  }
} catch (error) {
  console.error(error);
  await keepLogs(provider, join(FOLDER, "logs"));
} finally {
  if (!keep) await around.step("the cluster goes down and leaves nothing", () => provider.down()).catch(console.error);
}
const all: Outcome[] = [...outcomes, { name: "the run", ms: performance.now(), report: around, failure: undefined }];
console.log(`\n${table(all)}\n`);
await writeFile(join(FOLDER, "report.txt"), `${table(all)}\n`).catch(console.error);
const told = failures(all);
if (told !== "") console.log(`${told}\n`);
console.log(
  `${outcomes.length} of ${scenarios.length} scenarios were run; ledgers, and logs of what failed: ${FOLDER}`,
);
const { line, failed } = closingLine(all);
console.log(line);
process.exit(failed || outcomes.length < scenarios.length ? 1 : 0);

async function prepare(): Promise<BuiltImage> {
  const step = <T>(title: string, work: () => Promise<T>): Promise<T> => {
    stop.signal.throwIfAborted();
    return around.step(title, work);
  };
  const folder = join(FOLDER, "image"); // of hundreds of megabytes: not kept
  await mkdir(folder);
  const image = await step("the image is built", () => buildImage(folder));
  const { size, ownSize, standIn } = image.facts;
  around.figure(
    "image",
    `${megabytes(size)}, ${megabytes(ownSize)} of it ours${standIn ? "; stand-in for its base" : ""}`,
  );
  await step("the tools are there", () => buildTools("kubectl", "helm"));
  const kept = keep && (await provider.isUp());
  if (!kept) await step(`the cluster is up (${provider.name})`, () => provider.up());
  await step("the node has the image", async () => {
    await provider.load(image.archive);
    await provider.tag(image.name, `docker.io/library/${IMAGE}`);
    await rm(folder, { recursive: true });
    // The name of the image is the one before: pods of an operator that was left would run on with what that was.
    const pods = ["delete", "pods", "--all", "--namespace", SYSTEM, "--ignore-not-found"];
    if (kept) await command(toolPath("kubectl"), pods, { env: { KUBECONFIG: provider.kubeconfig } });
  });
  return image;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
