import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { StoreMetrics } from "./store-metrics.ts";

test("a store that is still being left when the next one of its proxy is there takes no series away", async () => {
  const registry = new Registry();
  const metrics = new StoreMetrics(registry);
  const left = metrics.of("demo/chat");
  const next = metrics.of("demo/chat");
  next.available(true);
  left.available(false);
  left.close();
  const text = await registry.metrics();
  expect(text).toContain('wsproxy_store_available{proxy="demo/chat"} 1');
  expect(text).toContain('wsproxy_store_requests_total{proxy="demo/chat",operation="Take",result="Late"} 0');
  next.close();
  expect(await registry.metrics()).not.toContain("demo/chat");
});
