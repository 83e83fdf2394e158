import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { faultText } from "./faults.ts";

/** Runs a script in a process that ends at faults; its report goes to standard output. */
function ran(
  script: string,
  report = "(fault) => console.log(faultText(fault))",
): { status: number | null; out: string } {
  const path = join(import.meta.dirname, "faults.ts");
  const code = `import { exitOnFault, faultText } from ${JSON.stringify(path)};
    exitOnFault({ report: ${report} }, 70);
    setInterval(() => {}, 1000);
    ${script}`;
  const { status, stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", code], { encoding: "utf8" });
  return { status, out: stdout };
}

test.each([
  ["an exception", "setTimeout(() => { throw new Error('broken') }, 10)"],
  ["a rejection", "void Promise.reject(new Error('broken'))"],
  [
    "one fault after another",
    "setTimeout(() => { throw new Error('broken') }); setTimeout(() => { throw new Error('2') })",
  ],
])("%s that no code caught is reported, and ends the process with 70", (_what, script) => {
  const { status, out } = ran(script);
  expect(status).toBe(70);
  expect(out).toMatch(/^Error: broken\n/);
});

test("a report that fails, or never ends, does not keep the process alive", () => {
  const fault = "setTimeout(() => { throw new Error('broken') })";
  expect(ran(fault, "() => { throw new Error('no report') }").status).toBe(70);
  expect(ran(fault, "() => new Promise(() => {})").status).toBe(70);
});

test("a fault is told with its causes", () => {
  const fault = new Error("outer", { cause: new Error("inner", { cause: "root" }) });
  expect(faultText(fault)).toMatch(/^Error: outer\n[^]*caused by Error: inner\n[^]*caused by root$/);
});
