import { defineConfig } from "vitest/config";
import { ClosingLine } from "./test/report/closing-line.ts";

export default defineConfig({
  test: {
    include: ["{api,generate,operator,dataplane,runtime,cli,examples,test}/**/*.test.ts"],
    exclude: ["test/apiserver/**"],
    environment: "node",
    // Three times what the longest test without a limit of its own needs beside busy processes; its waits have shorter limits.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    reporters: ["default", new ClosingLine(process.env["WSPROXY_REQUIRE_ALL"] === "1")],
  },
});
