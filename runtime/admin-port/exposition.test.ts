import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { exposition, type MetricSource } from "./exposition.ts";
import { Slices } from "../loop/slices.ts";

test("the samples of a large metric are written 500 at a time", async () => {
  const sizes: number[] = [];
  const source: MetricSource & { getMetricsAsString(metric: unknown): Promise<string> } = {
    contentType: "text/plain",
    getMetricsAsArray: () => [{ get: async () => ({ values: Array.from({ length: 1200 }, (_, n) => n) }) }],
    getMetricsAsString: async (metric) => {
      const { values } = await (metric as { get(): Promise<{ values: readonly number[] }> }).get();
      sizes.push(values.length);
      return ["# HELP", "# TYPE", ...values.map((n) => `sample ${n}`)].join("\n");
    },
  };
  const text = await exposition(source, new Slices(new FakeClock()));
  expect(sizes).toEqual([500, 500, 200]);
  const samples = Array.from({ length: 1200 }, (_, n) => `sample ${n}`);
  expect(text).toBe(`${["# HELP", "# TYPE", ...samples].join("\n")}\n`);
});
