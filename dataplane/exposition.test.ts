import { expect, test } from "vitest";
import { FakeClock } from "../test/fakes/clock.ts";
import { Slices } from "../runtime/slices.ts";
import { SlicedMetrics } from "./exposition.ts";
import { Metrics } from "./metrics.ts";

/** So that none is another the next time. */
const OWN = /^(#.*|wsproxy_.*)?$/;
const own = (text: string): string[] => text.split("\n").filter((line) => OWN.test(line));

test("metrics written in slices are those that the library writes in one go", async () => {
  const metrics = new Metrics();
  const sliced = new SlicedMetrics(metrics.registry, new Slices(new FakeClock()));
  expect(own(await sliced.text())).toEqual(own(await metrics.registry.metrics()));
  for (let n = 0; n < 1200; n += 1) {
    const route = metrics.route("test/proxy", `route-${n}`);
    route.handshake(101, "Accepted", n / 1000);
    route.limitHit("attempts", "IP", "Refuse", false)();
  }
  metrics.configApplied('test/a\\b"c\nd', 1, 2, 3);
  const text = await sliced.text();
  expect(own(text)).toEqual(own(await metrics.registry.metrics()));
  expect(own(text).length).toBeGreaterThan(20_000);
});

test("one metric alone is what the library writes of it; a metric that is none is a fault", async () => {
  const metrics = new Metrics();
  const sliced = new SlicedMetrics(metrics.registry, new Slices(new FakeClock()));
  metrics.configApplied("test/a", 1, 2, 3);
  const name = "wsproxy_config_generation";
  expect(await sliced.getSingleMetricAsString(name)).toBe(await metrics.registry.getSingleMetricAsString(name));
  await expect(sliced.getSingleMetricAsString("none")).rejects.toThrow("no metric none");
  expect(sliced.contentType).toBe(metrics.registry.contentType);
});
