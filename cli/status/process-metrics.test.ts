import { expect, test } from "vitest";
import { MOST_SERIES, processMetrics } from "./process-metrics.ts";

test("sessions, limits, certificate, store, buffers and descriptors are read out of the text of metrics", () => {
  const text = `# HELP wsproxy_connections Sessions open.
# TYPE wsproxy_connections gauge
wsproxy_connections{proxy="demo/chat",route="main"} 7
wsproxy_connections{proxy="demo/chat",route="other"} 2
wsproxy_connections{proxy="demo/\\"odd\\"",route="a}b"} 1
wsproxy_connections_limit{proxy="demo/chat"} 10000
wsproxy_ready{proxy="demo/chat"} 1
wsproxy_ready{proxy="demo/new"} 0
wsproxy_store_available{proxy="demo/chat"} 0
wsproxy_certificate_start_timestamp_seconds{proxy="demo/chat"} 1000
wsproxy_certificate_expiry_timestamp_seconds{proxy="demo/chat"} 1.9e+9
wsproxy_buffer_budget_bytes 1000
wsproxy_buffer_budget_used_bytes 850
wsproxy_descriptors_limit 512
wsproxy_descriptors_used Nan
wsproxy_connections_opened_total{proxy="demo/chat",route="main"} 99
nonsense
`;
  const { proxies, buffers, descriptors } = processMetrics(text);
  expect(proxies.get("demo/chat")).toEqual({
    routes: new Map([
      ["main", 7],
      ["other", 2],
    ]),
    sessions: 9,
    admits: 10_000,
    ready: true,
    store: false,
    certificate: { from: 1000, until: 1.9e9 },
  });
  expect(proxies.get('demo/"odd"')?.routes).toEqual(new Map([["a}b", 1]]));
  expect(proxies.get("demo/new")).toEqual({ routes: new Map(), sessions: 0, ready: false });
  expect(buffers).toEqual({ used: 850, limit: 1000 });
  expect(descriptors).toBeUndefined();
});

test("a process that names series without end is read up to a bound, in little time", () => {
  const line = (index: number): string => `wsproxy_connections{proxy="demo/chat",route="r${index}"} 1\n`;
  const text = Array.from({ length: 2 * MOST_SERIES }, (_, index) => line(index)).join("");
  expect(processMetrics(text).proxies.get("demo/chat")?.sessions).toBe(MOST_SERIES);
  for (const labels of ['a="', "a", "a=", '"', "}"]) {
    const whole = labels.repeat(Math.ceil(4_000_000 / labels.length));
    expect(processMetrics(`wsproxy_connections{${whole}} 1`).proxies.size).toBe(0);
    expect(processMetrics(`wsproxy_connections{proxy="a"} ${whole}`).proxies.size).toBe(0);
    const many = `wsproxy_connections{${whole.slice(0, 1999)}} 1\n`.repeat(2000);
    expect(processMetrics(many).proxies.size).toBe(1);
  }
});
