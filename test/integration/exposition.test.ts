import { expect, test } from "vitest";
import { FakeClock } from "../fakes/clock.ts";
import { Slices } from "../../runtime/loop/slices.ts";
import { exposition } from "../../runtime/admin-port/exposition.ts";
import { Metrics } from "../../dataplane/metrics.ts";

/** So that none is another the next time. */
const OWN = /^(#.*|wsproxy_.*)?$/;
const own = (text: string): string[] => text.split("\n").filter((line) => OWN.test(line));

test("metrics written in slices equal those that the library writes in one go", async () => {
  const metrics = new Metrics();
  const slices = new Slices(new FakeClock());
  expect(own(await exposition(metrics.registry, slices))).toEqual(own(await metrics.registry.metrics()));
  for (let n = 0; n < 1200; n += 1) {
    const route = metrics.route("test/proxy", `route-${n}`);
    route.handshake(101, "Accepted", n / 1000);
    route.limitHit("attempts", "IP", "Refuse", false)();
  }
  metrics.configApplied('test/a\\b"c\nd', 1, 2, 3);
  const text = await exposition(metrics.registry, slices);
  expect(own(text)).toEqual(own(await metrics.registry.metrics()));
  expect(own(text).length).toBeGreaterThan(20_000);
});
