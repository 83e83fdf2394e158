import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

/** Files and packages that a file loads at once: neither types, nor what is loaded when a command runs. */
function loadedBy(file: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  if (!file.endsWith(".ts")) return seen;
  const text = readFileSync(file, "utf8");
  for (const [, name = ""] of text.matchAll(/^(?:import|export) (?!type )[^;]*?from "([^"]+)";$/gm)) {
    loadedBy(name.startsWith(".") ? join(dirname(file), name) : name, seen);
  }
  return seen;
}

test("the help of a command loads neither the client of Kubernetes nor the gateway", () => {
  const commands = [...readFileSync("cli/run.ts", "utf8").matchAll(/import\("\.\/(commands\/[a-z-]+\.ts)"\)/g)];
  expect(commands.length).toBeGreaterThan(8);
  for (const [, command = ""] of commands) {
    const loaded = [...loadedBy("cli/run.ts"), ...loadedBy(join("cli", command))];
    expect(loaded.length).toBeGreaterThan(5);
    expect(loaded.filter((one) => /^(dataplane|operator\/kube|@kubernetes|yaml$)/.test(one))).toEqual([]);
  }
});

test("what asks one process by its URL loads no client of Kubernetes", () => {
  for (const file of ["cli/sessions/list-sessions.ts", "cli/kick/kick-sessions.ts", "cli/live/follow.ts"]) {
    expect([...loadedBy(file)].filter((one) => /^(operator|@kubernetes)/.test(one))).toEqual([]);
  }
});
