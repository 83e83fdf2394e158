import { afterEach, beforeEach, expect, test } from "vitest";
import { DEBUG } from "../../api/debug.ts";
import { RawBackend } from "../../test/fakes/backends.ts";
import { RawClient, request } from "../../test/fakes/clients.ts";
import { FakeClock } from "../../test/fakes/clock.ts";
import { configOf, endpointsOf } from "../../test/fakes/config.ts";
import { asked, EventReader, reading } from "../../test/fakes/event-reader.ts";
import { TestGateway } from "../../test/fakes/gateway.ts";
import { until } from "../../test/fakes/sockets.ts";

let backend: RawBackend;
let gateway: TestGateway;

beforeEach(async () => {
  backend = await new RawBackend().open();
  gateway = await new TestGateway().serve({}, [backend.port]);
  await gateway.serve({ name: "other" }, [backend.port]);
});
afterEach(async () => {
  await gateway.close();
  await backend.close();
});

/** A handshake that is refused by a proxy. */
async function refused(proxy: string): Promise<void> {
  const client = await RawClient.send(gateway.gateway.port(proxy) ?? 0, request({ method: "POST" }));
  await client.answer();
  client.socket.destroy();
}

test("the stream is one of Server-Sent Events, of which a megabyte may wait", () => {
  expect(asked(gateway.gateway)).toMatchObject({
    contentType: "text/event-stream; charset=utf-8",
    unread: DEBUG.unread,
  });
});

test("it begins with the proxies that are watched, all of them or the one that the filter names", async () => {
  const at = "2026-01-01T00:00:01.000Z";
  const clock = new FakeClock(Date.parse(at));
  const first = (query: string): unknown => reading(gateway.gateway, query, clock).events[0];
  const proxies = ["test/proxy", "test/other"];
  expect(first("")).toEqual({ name: "watching", event: { at, proxies, payload: false } });
  const one = { at, proxies: ["test/other"], payload: false };
  expect(first("proxy=test/other")).toEqual({ name: "watching", event: one });
  expect(first("proxy=test/none")).toEqual({ name: "watching", event: { ...one, proxies: [] } });
  const config = configOf({ name: "other" });
  const dataplane = { ...config.dataplane, debug: { payload: "Allowed" as const } };
  await gateway.apply({ ...config, dataplane }, endpointsOf([backend.port]));
  expect(first("proxy=test/other")).toEqual({ name: "watching", event: { ...one, payload: true } });
  expect(first("proxy=test/proxy")).toMatchObject({ event: { payload: false } });
});

test("a watcher sees all proxies, or the one that its filter names, now and in the past", async () => {
  await refused("test/proxy");
  await refused("test/other");
  const [all, other] = [reading(gateway.gateway), reading(gateway.gateway, "proxy=test/other")];
  await refused("test/other");
  await refused("test/proxy");
  await until("all came", () => all.of("handshake").length === 4);
  const seen = (reader: EventReader): unknown[] => reader.of("handshake").map(({ proxy, past }) => [proxy, past]);
  expect(seen(all)).toEqual([
    ...[["test/proxy", true] as const, ["test/other", true] as const],
    ...[["test/other", undefined] as const, ["test/proxy", undefined] as const],
  ]);
  expect(seen(other)).toEqual([
    ["test/other", true],
    ["test/other", undefined],
  ]);
});

test.each([
  ["user=alice", "400 this path takes client, route, address, proxy and outcome only"],
  ["client=a&client=b", "400 a parameter may stand once only"],
  ["route=", "400 route is empty"],
  ["outcome=", "400 outcome is empty"],
  ["address=all", "400 address is an IP address"],
])("a query %s is refused with %s", (query, answer) => {
  expect(asked(gateway.gateway, query)).toBe(answer);
});

test("the sixth watcher is told that five are there; one that came in the same moment is ended", () => {
  const late = asked(gateway.gateway);
  const readers = Array.from({ length: DEBUG.watchers }, () => reading(gateway.gateway));
  const full = "5 streams of events and frames are open already; end one of them, then try again";
  expect(asked(gateway.gateway)).toBe(`503 ${full}`);
  const reader = new EventReader();
  if (typeof late === "string") throw new Error(late);
  late.open(reader)();
  expect([reader.text, reader.ended]).toEqual([`: ${full}\n\n`, true]);
  expect(gateway.gateway.watching.lost).toEqual({ Full: 2, GaveWay: 0, Slow: 0 });
  readers[0]?.leave();
  expect(typeof asked(gateway.gateway)).toBe("object");
});
