import { dirname, join } from "node:path";
import type { Cluster } from "./cluster.ts";
import { command } from "./command.ts";
import { shellBlocks } from "./shell-blocks.ts";
import { ROOT, toolPath } from "./tools.ts";

/** Blocks that make a cluster and its image: both are there. */
const NOT_HERE = /^(kind|make|docker|buildah) /m;
/** A reader who types is slower than a port-forward starts to listen, and sees when it has ended; a script is neither. */
const FORWARD = /^(kubectl .*port-forward .* (\d+):\d+) &$/gm;
/** Its exit code says whether there is a problem, such as refusals of the minutes before. */
const STATUS = /^(kubectl wsproxy status .*)$/gm;
/** A reader waits for a client that fails; a script does not. */
const WATCHED = /^(kubectl wsproxy trace .* --for) \d+s$/gm;
const LISTENING = "until (exec 3<>/dev/tcp/127.0.0.1/$2) 2>/dev/null; do kill -0 $!; sleep 0.1; done";

/** All shell commands of a page of docs/ that are for a cluster, as they stand there, in one script. */
export async function walkthrough(page: string): Promise<string> {
  const blocks = (await shellBlocks(page)).filter((block) => !NOT_HERE.test(block));
  if (blocks.length === 0) throw new Error(`docs/${page} has no commands for a cluster`);
  return blocks
    .join("\n")
    .replace(FORWARD, `$1 & ${LISTENING}`)
    .replace(STATUS, "$1 || [ $? -eq 1 ]")
    .replace(WATCHED, "$1 2s");
}

/** Types a script in the checkout, and lines into whatever reads them; resolves with what was printed. */
export function typed({ provider, signal }: Cluster, script: string, lines: string): Promise<string> {
  // `kubectl wsproxy` finds its plugin in bin/.
  const PATH = `${dirname(toolPath("kubectl"))}:${join(ROOT, "bin")}:${process.env["PATH"] ?? ""}`;
  // What was put into the background ends with the script.
  const whole = `cd "$0"; trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n${script}`;
  const env = { KUBECONFIG: provider.kubeconfig, PATH };
  // With a socket for its input, bash takes itself for a login over the network.
  return command("bash", ["--norc", "-euo", "pipefail", "-c", whole, ROOT], { env, input: lines, signal });
}
