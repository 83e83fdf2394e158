import { defineConfig } from "vitest/config";
import { ClosingLine } from "./test/report/closing-line.ts";

export default defineConfig({
  test: {
    include: ["{api,generate,operator,dataplane,runtime,cli,examples,test}/**/*.test.ts"],
    exclude: ["test/apiserver/**"],
    environment: "node",
    testTimeout: 20_000,
    hookTimeout: 20_000,
    maxWorkers: 2,
    reporters: ["default", new ClosingLine(process.env["WSPROXY_REQUIRE_ALL"] === "1")],
  },
});
