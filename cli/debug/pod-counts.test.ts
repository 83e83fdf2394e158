import { expect, test } from "vitest";
import { PodCounts, sumsIn } from "./pod-counts.ts";

const EXPOSITION = `# HELP wsproxy_connections Open sessions.
# TYPE wsproxy_connections gauge
wsproxy_connections{proxy="demo/chat",route="main"} 3
wsproxy_connections{proxy="demo/chat",route="other"} 2
wsproxy_buffered_bytes{proxy="demo/chat",direction="fromClient"} 1e3
wsproxy_handshakes_total{proxy="demo/chat",route="main",status="101",reason="Accepted"} 7
wsproxy_handshakes_total{proxy="demo/chat",route="other",status="101",reason="Accepted"} 1
wsproxy_handshakes_total{proxy="demo/chat",route="main",status="401",reason="TokenExpired"} 4
wsproxy_messages_total{proxy="demo/chat",route="main",direction="fromClient"} 10
wsproxy_bytes_total{proxy="demo/chat",route="main",direction="fromClient"} NaN
process_resident_memory_bytes 5
`;

const of = (sums: Record<string, number>): ReadonlyMap<string, number> => new Map(Object.entries(sums));

test("sums what the head line needs, over routes, and passes over the rest", () => {
  expect(Object.fromEntries(sumsIn(EXPOSITION))).toEqual({
    wsproxy_connections: 5,
    wsproxy_buffered_bytes: 1000,
    'wsproxy_handshakes_total{status="101",reason="Accepted"}': 8,
    'wsproxy_handshakes_total{status="401",reason="TokenExpired"}': 4,
    'wsproxy_messages_total{direction="fromClient"}': 10,
  });
});

test("of one proxy of a process, what others count is left out", () => {
  const other = 'wsproxy_connections{proxy="demo/chat2",route="main"} 9\nwsproxy_connections{route="demo/chat"} 9\n';
  const sums = sumsIn(other + EXPOSITION, "demo/chat");
  expect(sums).toEqual(sumsIn(EXPOSITION));
  expect([...sumsIn(EXPOSITION, "demo/other")]).toEqual([]);
});

test("of a hostile pod it takes 500 series, no endless label, and no time", () => {
  const many = Array.from({ length: 2000 }, (_, at) => `wsproxy_handshakes_total{status="401",reason="r${at}"} 1\n`);
  expect(sumsIn(many.join("")).size).toBe(500);
  const begun = performance.now();
  expect(sumsIn(`wsproxy_connections{${'a="'.repeat(2_000_000)}`).size).toBe(0);
  expect([...sumsIn('wsproxy_handshakes_total{status="<img>",reason="a\\"b"} 1\n').keys()]).toEqual([
    'wsproxy_handshakes_total{status="",reason=""}',
  ]);
  expect(performance.now() - begun).toBeLessThan(2000);
});

test("counters never fall: pods go, come, come back and begin anew; gauges are those of now", () => {
  const counts = new PodCounts();
  const look = (answers: Record<string, Record<string, number>>, there = Object.keys(answers)): string =>
    counts.take(new Map(Object.entries(answers).map(([id, sums]) => [id, of(sums)])), new Set(there));
  const at = (open: number, messages: number): string =>
    `wsproxy_connections ${open}\nwsproxy_buffered_bytes 0\nwsproxy_messages_total{} ${messages}\n`;
  const pod = (open: number, messages: number): Record<string, number> => ({
    wsproxy_connections: open,
    "wsproxy_messages_total{}": messages,
  });
  expect(look({ a: pod(1, 10), b: pod(2, 20) })).toBe(at(3, 30));
  expect(look({ a: pod(1, 11) }, ["a", "b"]), "b does not answer").toBe(at(1, 31));
  expect(look({ a: pod(1, 11), b: pod(2, 25) }), "b answers again").toBe(at(3, 36));
  expect(look({ b: pod(2, 25), c: pod(4, 1000) }), "a is gone, c comes").toBe(at(6, 36));
  expect(look({ b: pod(0, 2), c: pod(4, 1001) }), "the process of b began anew").toBe(at(4, 39));
});
