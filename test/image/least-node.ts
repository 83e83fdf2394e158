import { readFileSync } from "node:fs";

/** Is a version older than another? Both as `24.22.1`. */
export function isOlder(version: string, than: string): boolean {
  const [one, other] = [version, than].map((text) => text.split(".").map(Number));
  const at = other?.findIndex((part, index) => part !== one?.[index]) ?? -1;
  return at !== -1 && (one?.[at] ?? 0) < (other?.[at] ?? 0);
}

/** Why this Node may not be in the image; undefined: it may. `least` is the last security release of its line. */
export function unfit(version: string, least: string): string | undefined {
  if (!isOlder(version, least)) return undefined;
  return `the base image has Node ${version}, which is older than the security release ${least}; pull a newer one, or name one in NODE_IMAGE`;
}

if (import.meta.main) {
  const { config } = JSON.parse(readFileSync("package.json", "utf8")) as { readonly config: Record<string, string> };
  const problem = unfit(process.versions.node, config["leastNode"] ?? "");
  if (problem !== undefined) {
    console.error(problem);
    process.exitCode = 1;
  }
}
