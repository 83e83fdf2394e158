import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{api,operator,dataplane,runtime,cli,examples,test}/**/*.test.ts"],
    exclude: ["test/cluster/**"],
    environment: "node",
    testTimeout: 20_000,
    hookTimeout: 20_000,
    maxWorkers: 2,
  },
});
