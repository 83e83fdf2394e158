import type { Reporter, SerializedError, TestCase, TestModule } from "vitest/node";

/**
 * Ends the output with `N passed, N failed, N skipped`. A file that cannot be loaded and an error outside of any test
 * count as failed. Where everything is required (`.ci/run`), a skipped test fails the run.
 */
export class ClosingLine implements Reporter {
  readonly #requireAll: boolean;

  constructor(requireAll: boolean) {
    this.#requireAll = requireAll;
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: string): number => tests.filter((test) => test.result().state === state).length;
    const skipped = tests.filter((test) => test.result().state === "skipped");
    const broken = modules.filter((module) => module.errors().length > 0).length;
    // "pending" is a test that never came to an end: the run was cut short.
    const failed = count("failed") + count("pending") + broken + unhandled.length;
    for (const test of skipped) console.log(`skipped: ${test.fullName}${because(test)}`);
    if (this.#requireAll && skipped.length > 0) {
      console.log("WSPROXY_REQUIRE_ALL is set: no test may be skipped");
      process.exitCode = 1;
    }
    console.log(`${count("passed")} passed, ${failed} failed, ${skipped.length} skipped`);
  }
}

function because(test: TestCase): string {
  const result = test.result();
  return result.state === "skipped" && result.note !== undefined ? ` (${result.note})` : "";
}
