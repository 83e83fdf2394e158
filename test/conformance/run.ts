import { join } from "node:path";
import { worse, type Verdicts } from "./compare.ts";
import { throughGateway } from "./gateway.ts";
import { echoClient, echoServer } from "./peers.ts";
import { unusedPort } from "../fakes/ports.ts";
import { Suite } from "./suite.ts";

// Runs the Autobahn suite in both directions, each time directly and through the gateway, and compares case by case.
// Exit status 1 if a case went worse through the gateway, or if no case was run.

const folder = process.argv[2];
if (folder === undefined) throw new Error("usage: run.ts FOLDER, where setup.sh has installed the suite");
const suite = new Suite(folder);
const reports = (name: string): string => join(folder, "reports", name);

/** The suite breaks the rules as a client; a `ws` server echoes. */
async function client(): Promise<[direct: Verdicts, proxied: Verdicts]> {
  const echo = await echoServer();
  const direct = await suite.against(`ws://127.0.0.1:${echo.port}`, reports("client-direct"));
  const proxied = await throughGateway(echo.port, reports("client-gateway"), (url) =>
    suite.against(url, reports("client-proxied")),
  );
  echo.close();
  return [direct, proxied];
}

/** The suite breaks the rules as a server; a `ws` client echoes. */
async function server(): Promise<[direct: Verdicts, proxied: Verdicts]> {
  const port = await unusedPort();
  const direct = await suite.serving(port, reports("server-direct"), () => echoClient(`ws://127.0.0.1:${port}`));
  const proxied = await throughGateway(port, reports("server-gateway"), (url) =>
    suite.serving(port, reports("server-proxied"), () => echoClient(url)),
  );
  return [direct, proxied];
}

let [passed, failed] = [0, 0];
for (const [name, direction] of Object.entries({ client, server })) {
  const started = performance.now();
  const [direct, proxied] = await direction();
  const cases = Object.keys(direct).length;
  const losses = worse(direct, proxied);
  console.log(`the suite as ${name}: ${cases} cases in ${Math.round((performance.now() - started) / 1000)} s`);
  console.log(`  directly:    ${tally(direct)}`);
  console.log(`  the gateway: ${tally(proxied)}`);
  for (const loss of losses) console.log(`  worse: ${loss.case}: ${loss.direct} -> ${loss.proxied}`);
  passed += cases - losses.length;
  failed += losses.length;
}
console.log(`what each case saw stands in ${reports("*")}/index.html`);
console.log(`${passed} passed, ${failed} failed, 0 skipped`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;

function tally(verdicts: Verdicts): string {
  const counts = new Map<string, number>();
  for (const { behavior, behaviorClose } of Object.values(verdicts)) {
    const word = behaviorClose === behavior || behaviorClose === "OK" ? behavior : `${behavior}/${behaviorClose}`;
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts].map(([word, count]) => `${word} ${count}`).join(", ");
}
