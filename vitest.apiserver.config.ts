import { defineConfig } from "vitest/config";
import { ClosingLine } from "./test/report/closing-line.ts";

export default defineConfig({
  test: {
    include: ["test/apiserver/**/*.test.ts"],
    globalSetup: ["test/apiserver/shared-control-plane.ts"],
    environment: "node",
    testTimeout: 60_000,
    hookTimeout: 120_000,
    fileParallelism: false, // API servers are large, and wait for nobody but the disk and the processor
    reporters: ["default", new ClosingLine(process.env["WSPROXY_REQUIRE_ALL"] === "1")],
  },
});
