import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { command } from "./command.ts";
import type { Cluster } from "./cluster.ts";
import { ROOT, toolPath } from "./tools.ts";

/** The shell commands that a page shows, block by block: `page.md` of docs/, or one section of it, `page.md#Title`. */
export async function shellBlocks(page: string): Promise<string[]> {
  const [file = "", section] = page.split("#");
  const whole = await readFile(join(ROOT, "docs", file), "utf8");
  const sections = whole.split(/^## /m);
  const text = section === undefined ? whole : (sections.find((it) => it.startsWith(`${section}\n`)) ?? "");
  return [...text.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, block = ""]) => block);
}

/** Does what a page says, as it stands there: from the root of the checkout, with the cluster's kubectl and helm. */
export function follow({ provider, signal }: Cluster, block: string): Promise<string> {
  const path = `${dirname(toolPath("kubectl"))}:${process.env["PATH"] ?? ""}`;
  const env = { KUBECONFIG: provider.kubeconfig, PATH: path };
  return command("bash", ["-euc", 'cd "$0" && eval "$1"', ROOT, block], { env, signal });
}
