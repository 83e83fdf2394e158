import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { RawBackend } from "../test/fakes/backends.ts";
import { RawClient, request } from "../test/fakes/clients.ts";
import { FakeClock } from "../test/fakes/clock.ts";
import { endpointsOf } from "../test/fakes/config.ts";
import { TestGateway } from "../test/fakes/gateway.ts";
import { settle } from "../test/fakes/idp-bench.ts";
import { Live } from "../test/fakes/live.ts";
import { Pending } from "../test/fakes/pending.ts";
import { stepsOf } from "../test/fakes/policy-bench.ts";
import { until } from "../test/fakes/sockets.ts";
import { systemClock } from "../runtime/clock.ts";
import { Slices } from "../runtime/loop/slices.ts";
import type { PolicySteps } from "./policy.ts";
import type { Termination } from "./rejection.ts";
import type { Session } from "./session/session.ts";

let backend: RawBackend;
let gateway: TestGateway;

beforeEach(async () => {
  backend = await new RawBackend().open();
  gateway = await new TestGateway().serve({}, [backend.port]);
});
afterEach(async () => {
  await gateway.close();
  await backend.close();
});

/** Puts a snapshot in force whose one route does this, and no more, to the sessions that it finds. */
async function commit(steps: Omit<PolicySteps, "kind">): Promise<void> {
  const [proxy] = gateway.gateway.proxies;
  if (proxy?.snapshot === undefined) throw new Error("nothing in force");
  const slices = new Slices(systemClock);
  const snapshot = await proxy.prepare(proxy.snapshot.config, "next", endpointsOf([backend.port]), slices);
  const routes = new Map([...snapshot.routes].map(([name, route]) => [name, { ...route, chain: [stepsOf(steps)] }]));
  proxy.commit({ ...snapshot, routes }, "endpoints");
  await proxy.review(slices);
}

const dropped = (): Promise<number> => gateway.metric("config_dropped_sessions_total");

test.each<[Termination["reason"], number]>([
  ["CredentialRevoked", 0],
  ["CredentialExpired", 0],
  ["Denied", 0],
  ["ScopeMissing", 0],
  ["ClaimMismatch", 0],
  ["RouteRemoved", 1],
  ["Draining", 1],
  ["MessageRate", 1],
  ["LifetimeEnded", 1],
])("a session that a change ends for %s counts as dropped: %d", async (reason, count) => {
  const live = await Live.open(gateway, backend);
  await commit({ review: () => ({ reason }) });
  await live.ended();
  expect(await dropped()).toBe(count);
  await commit({ review: () => ({ reason }) });
  expect(await dropped()).toBe(count);
});

test("a check that cannot be made ends the session, is counted and logged, and the next one is still made", async () => {
  const [first, second] = [await Live.open(gateway, backend), await Live.open(gateway, backend)];
  let asked = 0;
  await commit({
    review() {
      asked += 1;
      if (asked === 1) throw new Error("broken check");
      return { reason: "Denied" };
    },
  });
  await first.ended();
  expect((await second.ended()).toClient).toBe("3003 Denied");
  expect(await dropped()).toBe(1);
  expect(gateway.lines.filter(({ level }) => level === "error").map(({ message }) => message)).toEqual([
    "config could not be applied to a session",
  ]);
});

test("a check that cannot be made refuses a handshake under way, and its backend is let go", async () => {
  const holding = await new RawBackend(() => {}).open();
  await gateway.serve({}, [holding.port]);
  const pending = await Pending.open(gateway, holding);
  await commit({
    review() {
      throw new Error("broken check");
    },
  });
  expect(await pending.lost()).toMatchObject({ told: "503 Overloaded", leaked: "", left: [0, 0, 0] });
  expect(gateway.logged).toContain("handshake failed");
  await holding.close();
});

test("a session that leaves by itself during a change is not counted", async () => {
  const live = await Live.open(gateway, backend);
  live.client.socket.destroy();
  live.backend.socket.destroy();
  await gateway.empty();
  await commit({ review: () => ({ reason: "MessageRate" }) });
  expect(await dropped()).toBe(0);
});

test("E25 a route without an authentication policy is not put in force", async () => {
  const text = JSON.stringify(gateway.config);
  const config = JSON.parse(
    text.replace(/"authentication":0,?/, "").replace(/"authentication":\{"require":"None"\},?/, ""),
  );
  const applied = await gateway.apply(config, endpointsOf([backend.port]));
  expect(applied).toMatchObject({ ok: false, stage: "config" });
  expect(JSON.stringify(applied)).toContain("authentication");
});

test("a fault after the 101 ends both connections, and leaves nothing counted", async () => {
  let armed = false;
  let broken = false;
  const other = await new RawBackend((connection) => {
    broken = armed; // after the backend was chosen, before the session is made
    connection.accept();
  }).open();
  const failing = new TestGateway(undefined, () => {
    if (broken) throw new Error("broken");
    return 0;
  });
  await failing.serve({}, [other.port]);
  const live = await Live.open(failing, other);
  armed = true;
  const client = await RawClient.send(failing.port, request());
  await until("both connections are closed", () => client.ended && other.connections.length === 2 && other.last.ended);
  expect(client.received.toString("latin1")).not.toContain("503");
  expect(failing.sessions).toBe(1);
  expect(await failing.metric("connections")).toBe(1);
  live.client.socket.destroy();
  await failing.empty();
  expect(failing.gateway.proxies[0]?.occupancy.size).toBe(0);
  await failing.close();
  await other.close();
});

test("all sessions of a removed proxy get their Close within five seconds, however many there are", async () => {
  const clock = new FakeClock();
  const crowded = await new TestGateway(clock, () => 0.5).serve({}, [backend.port]);
  onTestFinished(() => crowded.close());
  const [proxy] = crowded.gateway.proxies;
  let told = 0;
  for (let n = 0; n < 2000; n += 1) {
    const session = { ending: false, destroy() {}, terminate: () => (told += 1) } as unknown as Session;
    proxy?.sessions.add(session);
  }
  const start = clock.now();
  const retired = proxy?.retire();
  await until("all are told", async () => {
    clock.advance(50);
    await settle();
    return told === 2000;
  });
  expect(clock.now() - start).toBeGreaterThan(4000);
  expect(clock.now() - start).toBeLessThanOrEqual(5050);
  proxy?.sessions.clear();
  clock.advance(100);
  await retired;
});
