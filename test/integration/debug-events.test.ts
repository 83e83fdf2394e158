import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { handshakePolicies } from "../../dataplane/policies/index.ts";
import { keyOf, withKeys } from "../fakes/api-keys.ts";
import { polite, RawBackend, type BackendConnection } from "../fakes/backends.ts";
import { RawClient, request } from "../fakes/clients.ts";
import { FakeClock } from "../fakes/clock.ts";
import type { ConfigParts } from "../fakes/config.ts";
import { reading, type EventReader } from "../fakes/event-reader.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { StoreTruth } from "../fakes/shared-limits.ts";
import { until } from "../fakes/sockets.ts";

interface Step {
  readonly name: string;
  readonly verdict: string;
  readonly reason?: string;
  readonly micros?: number;
}

/** Policies that act on a handshake, in the order of the chain. */
const POLICIES = ["deny", "origins", "attempts", "authentication", "connections"];
const ORDER = ["handshake", "route", "capacity", ...POLICIES, "backend", "answer"];

let backend: RawBackend;
let gateway: TestGateway;
let script: (connection: BackendConnection) => void;
let clients: RawClient[];

beforeEach(async () => {
  script = polite;
  clients = [];
  backend = await new RawBackend((connection) => script(connection)).open();
  gateway = new TestGateway();
});
afterEach(async () => {
  for (const { socket } of clients) socket.destroy();
  await gateway.close();
  await backend.close();
});

const policies = {
  ...withKeys(["alice", "mallory"]),
  deny: { clients: ["mallory"], tokenIds: [], addresses: ["192.0.2.66/32"] },
  origins: { allow: ["https://app.test"], allowMissing: true, sameOrigin: false },
  attempts: [{ per: "IP", limit: 2, interval: "1h" }],
  connections: [{ per: "Client", limit: 1 }],
};
const route = { path: { type: "Prefix" as const, value: "/ws" }, policies };
const serve = (more: ConfigParts = {}, ports: readonly number[] = [backend.port]): Promise<unknown> =>
  gateway.serve({ trustedProxies: ["127.0.0.1"], routes: [route], ...more }, ports);

interface Wish {
  readonly client?: string;
  readonly address?: string;
  readonly target?: string;
  readonly headers?: Readonly<Record<string, string | null>>;
}

async function come({ client = "alice", address = "192.0.2.1", target = "/ws/room", headers = {} }: Wish = {}) {
  const known = { "X-Api-Key": keyOf(client), "X-Forwarded-For": address };
  const one = await RawClient.send(gateway.port, request({ target, headers: { ...known, ...headers } }));
  clients.push(one);
  return one.answer();
}

const stepsOf = (event: Readonly<Record<string, unknown>>): readonly Step[] => event["steps"] as Step[];

/** `verdict` of each step by its name, with the reason where there is one. */
function verdicts(event: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    stepsOf(event).map(({ name, verdict, reason }) => [name, reason === undefined ? verdict : `${verdict} ${reason}`]),
  );
}

/** What stands in front of a step has passed, what stands behind it was skipped. */
function decided(step: string, reason: string, passed: readonly string[] = []): Record<string, string> {
  const at = ORDER.indexOf(step);
  const verdict = (name: string, index: number): string => (index < at || passed.includes(name) ? "passed" : "skipped");
  return {
    ...Object.fromEntries(ORDER.map((name, index) => [name, verdict(name, index)])),
    [step]: `refused ${reason}`,
  };
}

test("the steps of policies are those of the chain, in its order", () => {
  expect(Object.keys(handshakePolicies).filter((kind) => POLICIES.includes(kind))).toEqual(POLICIES);
});

test("a handshake that gets its 101 went through the whole chain, and each step says how long it took", async () => {
  await serve();
  const reader = reading(gateway.gateway);
  expect((await come({ target: "/ws/room?apikey=secret", headers: { "X-Api-Key": null } })).status).toBe(401);
  expect((await come({ address: "192.0.2.2" })).status).toBe(101);
  const event = await reader.next("handshake", 2);
  const { id } = JSON.parse((await gateway.admin("/sessions")).body).sessions[0];
  expect(event).toMatchObject({
    ...{ proxy: "test/proxy", route: "main", client: "alice", address: "192.0.2.2", host: "a.test", path: "/ws/room" },
    ...{ status: 101, reason: "Accepted", session: id, endpoint: `127.0.0.1:${backend.port}`, backendStatus: 101 },
  });
  expect(Object.entries(verdicts(event))).toEqual(ORDER.map((name) => [name, "passed"]));
  const micros = stepsOf(event).map((step) => step.micros ?? Number.NaN);
  const [sum, millis] = [micros.reduce((one, other) => one + other, 0), event["millis"] as number];
  expect(micros.every((it) => it >= 0)).toBe(true);
  expect(sum).toBeGreaterThan(0);
  expect(sum).toBeLessThanOrEqual(millis * 1000 + 1);
  expect(event["dialMillis"]).toBeLessThanOrEqual(millis);
  expect(reader.text).not.toContain("secret");
});

/** A request that is refused, and the step that refuses it. */
const REFUSED: readonly (readonly [string, Wish, Record<string, string>, object])[] = [
  [
    "a malformed handshake",
    { headers: { "Sec-WebSocket-Key": "x" } },
    { ...without(decided("handshake", "BadHandshake")) },
    { status: 400, cause: "Sec-WebSocket-Key" },
  ],
  ["no route", { target: "/else" }, without(decided("route", "RouteNotFound")), { status: 404 }],
  ["a denied address", { address: "192.0.2.66" }, decided("deny", "Denied"), { status: 403, policy: "deny" }],
  [
    "another origin",
    { headers: { Origin: "https://evil.test" } },
    decided("origins", "OriginForbidden"),
    { status: 403, policy: "origins", cause: "the origin https://evil.test is not allowed" },
  ],
  [
    "no key",
    { headers: { "X-Api-Key": null } },
    decided("authentication", "CredentialMissing"),
    { status: 401, policy: "authentication" },
  ],
  [
    "a denied client",
    { client: "mallory" },
    decided("deny", "Denied", ["origins", "attempts", "authentication"]),
    { status: 403, policy: "deny", client: "mallory" },
  ],
  [
    "a plain request",
    { headers: { Upgrade: null } },
    decided("handshake", "UpgradeRequired", ["route", "capacity", ...POLICIES]),
    { status: 426, client: "alice" },
  ],
];

/** Without a route there are no policies. */
function without(all: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(all).filter(([name]) => !POLICIES.includes(name)));
}

test.each(REFUSED)("the trace of %s ends with the step that decided", async (_, wish, wanted, more) => {
  await serve();
  const reader = reading(gateway.gateway);
  await come(wish);
  const event = await reader.next("handshake");
  expect(event).toMatchObject(more);
  expect(Object.entries(verdicts(event))).toEqual(Object.entries(wanted));
  // One that watches later sees the step alone, without its time.
  const [past = {}] = reading(gateway.gateway).of("handshake");
  const [step, reason] = Object.entries(wanted).find(([, verdict]) => verdict.startsWith("refused ")) ?? ["", ""];
  expect(past).toMatchObject({ ...more, past: true });
  expect(stepsOf(past)).toEqual([{ name: step, verdict: "refused", reason: reason.replace("refused ", "") }]);
});

test("limits refuse at their step", async () => {
  await serve();
  const reader = reading(gateway.gateway);
  for (let n = 0; n < 3; n += 1) await come();
  await until("all are told", () => reader.of("handshake").length === 3);
  const [accepted = {}, second = {}, third = {}] = reader.of("handshake");
  expect(accepted).toMatchObject({ status: 101 });
  expect(second).toMatchObject({ status: 429, policy: "connections", client: "alice" });
  expect(verdicts(second)).toEqual(decided("connections", "ConnectionLimit"));
  expect(third).toMatchObject({ status: 429, policy: "attempts" });
  expect(verdicts(third)).toEqual(decided("attempts", "AttemptLimit"));
});

test("a limit in Shadow that would have refused says so, and refuses nothing", async () => {
  await serve({ routes: [{ ...route, policies: { ...policies, enforcement: "Shadow" } }] });
  const reader = reading(gateway.gateway);
  for (let n = 0; n < 3; n += 1) expect((await come()).status).toBe(101);
  const last = await reader.next("handshake", 3);
  expect(verdicts(last)).toMatchObject({
    attempts: "shadow AttemptLimit",
    authentication: "passed",
    connections: "shadow ConnectionLimit",
    answer: "passed",
  });
  expect(reader.of("limit")).toHaveLength(3);
});

test("a full pod refuses at capacity", async () => {
  await serve({ maxConnections: 1 });
  const reader = reading(gateway.gateway);
  await come();
  await come({ address: "192.0.2.3" });
  expect(verdicts(await reader.next("handshake", 2))).toEqual(decided("capacity", "Overloaded"));
});

test("a pod that stops refuses at capacity a handshake whose backend is dialled", async () => {
  script = () => {};
  await serve();
  const reader = reading(gateway.gateway);
  const answer = come();
  await until("it is dialled", () => backend.connections.length === 1);
  const drained = gateway.gateway.drain(0, new AbortController().signal);
  expect((await answer).status).toBe(503);
  const event = await reader.next("handshake");
  expect(verdicts(event)).toEqual({ ...decided("capacity", "Draining", POLICIES) });
  await drained;
});

test("a client that loses its permission while its backend is dialled is refused by the policy that it had passed", async () => {
  script = () => {};
  await serve();
  const reader = reading(gateway.gateway);
  const answer = come();
  await until("it is dialled", () => backend.connections.length === 1);
  await serve({ routes: [{ ...route, policies: { ...policies, ...withKeys(["mallory"]) } }] });
  expect((await answer).status).toBe(401);
  const event = await reader.next("handshake");
  expect(event).toMatchObject({ reason: "CredentialRevoked", policy: "authentication", client: "alice" });
  expect(verdicts(event)).toEqual(decided("authentication", "CredentialRevoked", ["connections"]));
});

describe("of a backend", () => {
  const AT = "backend";

  test("that refuses, the trace has its endpoint and its status", async () => {
    script = ({ socket }) => socket.end("HTTP/1.1 418 I'm a teapot\r\nContent-Length: 0\r\n\r\n");
    await serve();
    const reader = reading(gateway.gateway);
    expect((await come()).status).toBe(418);
    const event = await reader.next("handshake");
    const endpoint = `127.0.0.1:${backend.port}`;
    expect(event).toMatchObject({
      status: 418,
      reason: "BackendRefused",
      endpoint,
      backendStatus: 418,
      client: "alice",
    });
    expect(verdicts(event)).toEqual(decided(AT, "BackendRefused"));
  });

  test("that answers with no 101 of RFC 6455, the trace has its status", async () => {
    script = ({ socket }) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    await serve();
    const reader = reading(gateway.gateway);
    await come();
    const event = await reader.next("handshake");
    expect(event).toMatchObject({ status: 502, reason: "BackendBadHandshake", backendStatus: 200 });
    expect(verdicts(event)).toEqual(decided(AT, "BackendBadHandshake"));
  });

  test("that cannot be reached, the trace has the endpoint that was dialled last", async () => {
    await serve();
    await backend.close();
    const reader = reading(gateway.gateway);
    await come();
    const event = await reader.next("handshake");
    expect(event).toMatchObject({ status: 502, reason: "BackendUnreachable", endpoint: expect.stringContaining(":") });
    expect(event["backendStatus"]).toBeUndefined();
    expect(verdicts(event)).toEqual(decided(AT, "BackendUnreachable"));
  });

  test("that has no endpoint, the trace has none", async () => {
    await serve({}, []);
    const reader = reading(gateway.gateway);
    await come();
    const event = await reader.next("handshake");
    expect(event).toMatchObject({ status: 503, reason: "NoEndpoints" });
    expect([event["endpoint"], event["dialMillis"]]).toEqual([undefined, undefined]);
    expect(verdicts(event)).toEqual(decided(AT, "NoEndpoints"));
  });
});

test("where pods count together the store is a step behind the policies, and the limit that it refuses for decides", async () => {
  const clock = new FakeClock();
  gateway = new TestGateway(clock, undefined, undefined, undefined, new StoreTruth(clock));
  const limited = { ...withKeys(["alice"]), attempts: [{ per: "IP", limit: 5, interval: "1h" }], connections: [] };
  await gateway.serve(
    { store: { address: "store:6379", whenUnavailable: "Refuse" }, routes: [{ policies: limited }] },
    [backend.port],
  );
  const reader = reading(gateway.gateway);
  expect((await come()).status).toBe(101);
  const accepted = await reader.next("handshake");
  const order = ["handshake", "route", "capacity", "attempts", "authentication", "connections"];
  const all = [...order, "store", "backend", "answer"];
  expect(Object.entries(verdicts(accepted))).toEqual(all.map((name) => [name, "passed"]));
  for (const store of gateway.stores) store.available = false;
  expect((await come()).status).toBe(503);
  const refused = await reader.next("handshake", 2);
  expect(verdicts(refused)).toMatchObject({
    attempts: "passed",
    store: "refused StoreUnavailable",
    backend: "skipped",
  });
});

test("how a session ended follows, with the same session and request", async () => {
  await serve();
  const reader = reading(gateway.gateway, "client=alice");
  await come();
  const { session, requestId } = await reader.next("handshake");
  await serve({ routes: [{ ...route, policies: { ...policies, ...withKeys(["mallory"]) } }] });
  const closed = await reader.next("closed");
  expect(closed).toMatchObject({
    ...{ session, requestId, client: "alice", code: 3000, reason: "CredentialRevoked", by: "gateway" },
    messages: { fromClient: 0, fromBackend: 0 },
  });
});

test.each(["All", "Refused", "None"] as const)("with log.access %s a watcher sees both outcomes", async (access) => {
  await serve({ access });
  const reader = reading(gateway.gateway);
  await come();
  await come({ headers: { "X-Api-Key": null }, address: "192.0.2.4" });
  await until("both came", () => reader.of("handshake").length === 2);
  expect(reader.of("handshake").map(({ status }) => status)).toEqual([101, 401]);
});

test("a handshake that began before anything watched is told of without steps", async () => {
  let accept = (): void => {};
  script = (connection) => (accept = () => connection.accept());
  await serve();
  const answer = come();
  await until("it is dialled", () => backend.connections.length === 1);
  await until("its request came", () => backend.connections[0]?.head !== "");
  const reader: EventReader = reading(gateway.gateway);
  accept();
  expect((await answer).status).toBe(101);
  const event = await reader.next("handshake");
  expect(event).toMatchObject({ status: 101, reason: "Accepted", client: "alice" });
  expect([event["steps"], event["millis"]]).toEqual([undefined, undefined]);
});
