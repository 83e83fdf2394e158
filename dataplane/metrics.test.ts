import { expect, test } from "vitest";
import { codeLabel, Metrics, statusLabel, type LiveSession } from "./metrics.ts";

const session = (messages: number, bytes: number): LiveSession => ({
  fromClient: { messages, bytes },
  fromBackend: { messages: 2 * messages, bytes: 2 * bytes },
  paused: messages > 1,
  buffered: bytes,
});

async function samples(metrics: Metrics, name: string): Promise<string[]> {
  const text = await metrics.registry.getSingleMetricAsString(`wsproxy_${name}`);
  return text.split("\n").filter((line) => line.startsWith("wsproxy_"));
}

test("what a session has carried stays when it has closed, and is counted once", async () => {
  const metrics = new Metrics();
  const route = metrics.route("demo/chat", "main");
  const [one, other] = [session(1, 10), session(3, 30)];
  route.opened(one);
  route.opened(other);
  const carried = [
    'wsproxy_bytes_total{proxy="demo/chat",route="main",direction="from_client"} 40',
    'wsproxy_bytes_total{proxy="demo/chat",route="main",direction="from_backend"} 80',
  ];
  expect(await samples(metrics, "bytes_total")).toEqual(carried);
  expect(await samples(metrics, "connections")).toEqual(['wsproxy_connections{proxy="demo/chat",route="main"} 2']);
  expect(await samples(metrics, "paused_connections")).toEqual([
    'wsproxy_paused_connections{proxy="demo/chat",route="main"} 1',
  ]);
  expect(await samples(metrics, "buffered_bytes")).toEqual([
    'wsproxy_buffered_bytes{proxy="demo/chat",route="main"} 40',
  ]);
  const end = { code: 1000, reason: "Closed", by: "client" } as const;
  for (const closed of [one, one, other]) route.closed(closed, end, 1);
  expect(await samples(metrics, "bytes_total")).toEqual(carried);
  expect(await samples(metrics, "connections")).toEqual(['wsproxy_connections{proxy="demo/chat",route="main"} 0']);
  expect(await samples(metrics, "connections_closed_total")).toEqual([
    'wsproxy_connections_closed_total{proxy="demo/chat",route="main",code="1000",reason="Closed",by="client"} 2',
  ]);
});

test("a route's counters outlive the snapshot that asked for them", () => {
  const metrics = new Metrics();
  expect(metrics.route("demo/chat", "main")).toBe(metrics.route("demo/chat", "main"));
  expect(metrics.route("demo/chat", "main")).not.toBe(metrics.route("demo/chat", "other"));
});

test("what a peer may choose becomes one of few label values", () => {
  const codes = new Set(Array.from({ length: 5000 }, (_, code) => codeLabel(code)).slice(1000));
  expect([...codes].filter((code) => Number(code) >= 3000 || code.includes("-")).sort()).toEqual([
    ...["3000", "3000-3999", "3003", "3008", "4000-4999"],
  ]);
  const statuses = new Set(Array.from({ length: 700 }, (_, index) => statusLabel(300 + index)));
  expect(statuses.size).toBeLessThan(60);
  expect([statusLabel(101), statusLabel(403), statusLabel(599), statusLabel(999)]).toEqual([
    "101",
    "403",
    "5xx",
    "9xx",
  ]);
});

test("a proxy that was removed is no longer said to be served", async () => {
  const metrics = new Metrics();
  metrics.configApplied("demo/chat", 7, 10_000, 1000);
  metrics.certificate("demo/chat", { start: 1000, end: 2000 });
  metrics.configRejected("demo/chat");
  metrics.proxyRemoved("demo/chat");
  const gauges = ["config_generation", "config_applied_timestamp_seconds", "certificate_expiry_timestamp_seconds"];
  for (const name of [...gauges, "connections_limit"]) expect(await samples(metrics, name)).toEqual([]);
  expect(await samples(metrics, "config_rejected_total")).toHaveLength(1);
});

test("from its first session on a route shows 0 for the permissions that its sessions may lose, and for their durations", async () => {
  const metrics = new Metrics();
  const route = metrics.route("demo/chat", "main");
  metrics.route("demo/chat", "unused");
  expect(await samples(metrics, "credential_terminations_total")).toEqual([]);
  route.opened(session(1, 1));
  expect(await samples(metrics, "credential_terminations_total")).toEqual(
    ["CredentialExpired", "CredentialRevoked", "ScopeMissing", "ClaimMismatch", "Denied"].map(
      (reason) => `wsproxy_credential_terminations_total{proxy="demo/chat",route="main",reason="${reason}"} 0`,
    ),
  );
  expect(await samples(metrics, "connection_duration_seconds")).toContain(
    'wsproxy_connection_duration_seconds_count{proxy="demo/chat",route="main"} 0',
  );
  route.credentialTermination("Denied");
  route.opened(session(1, 1));
  expect(await samples(metrics, "credential_terminations_total")).toContain(
    'wsproxy_credential_terminations_total{proxy="demo/chat",route="main",reason="Denied"} 1',
  );
});
