import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { ran } from "../../test/fakes/program.ts";
import { EXIT } from "./exit-codes.ts";

const REFERENCE = "docs/reference/command-line.md";

test("the reference shows the help of each command as it is", async () => {
  const page = await readFile(REFERENCE, "utf8");
  const { stdout } = await ran("--help");
  const commands = [...stdout.matchAll(/^ {2}([a-z-]+) {2,}/gm)].map(([, name]) => name ?? "");
  expect(commands.length).toBe(12);
  for (const name of commands) {
    const help = (await ran(name, "--help")).stdout;
    expect(page).toContain(`## wsproxy ${name}\n\n\`\`\`text\n${help}\`\`\`\n`);
  }
});

test("the reference lists every exit code", async () => {
  const page = await readFile(REFERENCE, "utf8");
  const listed = [...page.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
  expect(listed).toEqual(Object.values(EXIT));
});
