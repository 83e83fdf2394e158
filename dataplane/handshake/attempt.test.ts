import { afterEach, expect, test } from "vitest";
import { AttemptScene, STEPS, type Step } from "../../test/fakes/attempt-scene.ts";
import { stepsOf } from "../../test/fakes/policy-bench.ts";
import { until } from "../../test/fakes/sockets.ts";

const open: AttemptScene[] = [];
afterEach(() => open.splice(0).forEach((scene) => scene.close()));

/** A handshake that has come as far as this step. */
async function at(step: Step): Promise<AttemptScene> {
  const scene = await AttemptScene.begun();
  open.push(scene);
  return scene.to(step);
}

const nothing = (step: Step): object => ({ slots: 0, watching: 0, released: step === "opened" ? 1 : 0, ended: 1 });
const refused = (scene: AttemptScene): string[] =>
  scene.lines.filter(({ fields }) => fields["event"] === "HandshakeRefused").map(({ message }) => message);

test.each(STEPS.flatMap((step) => [[step, "ends"] as const, [step, "resets"] as const]))(
  "%s: a client that %s its connection is given no answer, and all that was opened and counted is given back",
  async (step, how) => {
    const scene = await at(step);
    if (how === "ends") scene.client.socket.end();
    else scene.client.socket.resetAndDestroy();
    await until("the attempt is aborted", () => scene.attempt.signal.aborted);
    scene.attempt.refuse({ reason: "NoEndpoints" });
    expect(await scene.left()).toEqual(nothing(step));
    expect(await scene.answers()).toEqual([]);
    expect(scene.lines).toEqual([]);
  },
);

test.each(STEPS)("%s: a refusal is sent, counted and logged once, and all is given back", async (step) => {
  const scene = await at(step);
  scene.attempt.refuse({ reason: "NoEndpoints", cause: "first" });
  scene.attempt.refuse({ reason: "BackendTimeout" });
  scene.attempt.failed(new Error("behind the answer"));
  expect(await scene.left()).toEqual(nothing(step));
  expect(await scene.answers()).toEqual(["503 NoEndpoints"]);
  expect(refused(scene)).toHaveLength(1);
});

test.each(STEPS)("%s: a proxy that stops refuses the handshake and waits for nothing", async (step) => {
  const scene = await at(step);
  scene.attempt.drain();
  expect(scene.attempt.signal.aborted).toBe(true);
  expect(await scene.left()).toEqual(nothing(step));
  await until("the client is told", () => scene.client.ended);
  expect(scene.client.received.toString("latin1")).toMatch(/^HTTP\/1\.1 503 .*"reason":"Draining"/s);
  expect(await scene.answers()).toEqual(["503 Draining"]);
});

test("a refusal's line names the policy that decided, and the answer does not", async () => {
  const scene = await at("routed");
  scene.attempt.refuse({ reason: "OriginForbidden", policy: "origins", cause: "for the log" });
  const common = { proxy: "test/proxy", route: "main", requestId: "request-1", address: "192.0.2.1" };
  const why = { status: 403, reason: "OriginForbidden", policy: "origins", cause: "for the log" };
  expect(scene.lines.map(({ fields }) => fields)).toEqual([{ event: "HandshakeRefused", ...common, ...why }]);
  await until("the client is told", () => scene.client.ended);
  expect(scene.client.received.toString("latin1")).not.toMatch(/origins|for the log/);
  scene.attempt.end();
});

test("a backend's own refusal is counted and logged as one", async () => {
  const scene = await at("opened");
  scene.attempt.relayed(418);
  scene.attempt.refuse({ reason: "BackendTimeout" });
  expect(await scene.left()).toEqual(nothing("opened"));
  expect(await scene.answers()).toEqual(["418 BackendRefused"]);
  expect(refused(scene)).toHaveLength(1);
});

test.each<[string, (scene: AttemptScene) => void]>([
  ["time or an issuer", ({ lose }) => lose({ reason: "CredentialExpired" })],
  ["a review", (scene) => scene.attempt.review(Object.assign(scene, { lost: { reason: "CredentialExpired" } }).route)],
  [
    "a changed route",
    (scene) => scene.attempt.apply(Object.assign(scene, { lost: { reason: "CredentialExpired" } }).route),
  ],
])("a permission that %s takes away refuses the handshake at once, and names its policy", async (_, lose) => {
  const scene = await at("opened");
  lose(scene);
  expect(scene.attempt.signal.aborted).toBe(true);
  expect(await scene.left()).toEqual(nothing("opened"));
  expect(await scene.answers()).toEqual(["401 CredentialExpired"]);
  expect(scene.lines[0]?.fields).toMatchObject({ reason: "CredentialExpired", policy: "authentication" });
});

test.each([
  ["a review", (scene: AttemptScene): void => scene.attempt.review(undefined)],
  ["a config change", (scene: AttemptScene): void => scene.attempt.apply(undefined)],
])("a route that is gone at %s refuses the handshake", async (_, change) => {
  const scene = await at("admitted");
  change(scene);
  expect(await scene.answers()).toEqual(["404 RouteNotFound"]);
  expect(await scene.left()).toEqual(nothing("admitted"));
});

test("a changed route that still permits the client is watched in place of the old one", async () => {
  const scene = await at("admitted");
  scene.attempt.apply(scene.route);
  expect(scene.calls).toMatchObject({ reviewed: 2, watching: 1 });
  expect(scene.attempt.signal.aborted).toBe(false);
  expect(await scene.left()).toEqual(nothing("admitted"));
});

test("a changed route is not asked about a handshake that was not admitted yet", async () => {
  const scene = await at("routed");
  scene.attempt.apply(scene.route);
  expect(scene.calls.reviewed).toBe(0);
});

test("a check that throws refuses the handshake", async () => {
  const scene = await at("admitted");
  const broken = stepsOf({
    review() {
      throw new Error("broken check");
    },
  });
  scene.attempt.apply({ ...scene.route, chain: [broken] });
  expect(await scene.answers()).toEqual(["503 Overloaded"]);
  expect(await scene.left()).toEqual(nothing("admitted"));
});

test("what a session takes over is given back by the session, once", async () => {
  const scene = await at("opened");
  scene.attempt.accepted();
  const release = scene.attempt.handOver();
  scene.attempt.end();
  expect(scene.calls).toMatchObject({ watching: 0, released: 0, ended: 1 });
  expect(scene.occupancy.size).toBeGreaterThan(0);
  expect(scene.backend?.ended).toBe(false);
  release();
  expect([scene.occupancy.size, scene.calls.released]).toEqual([0, 1]);
  expect(await scene.answers()).toEqual(["101 Accepted"]);
});

test("a client that leaves after its session took over is no business of the attempt", async () => {
  const scene = await at("opened");
  scene.attempt.accepted();
  scene.attempt.handOver();
  scene.attempt.end();
  scene.client.socket.end();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(scene.attempt.signal.aborted).toBe(false);
});

test("a fault behind the 101 ends the connection; nothing else is counted", async () => {
  const scene = await at("opened");
  scene.attempt.accepted();
  scene.attempt.failed(new Error("no tunnel"));
  await until("the connection is closed", () => scene.client.closed || scene.client.ended);
  expect(scene.client.received).toHaveLength(0);
  expect(await scene.answers()).toEqual(["101 Accepted"]);
  expect(scene.lines.map(({ message }) => message)).toEqual(["handshake failed"]);
});

test.each<[string, (scene: AttemptScene) => void]>([
  ["the proxy stops", ({ attempt }) => attempt.drain()],
  ["memory is short", ({ attempt }) => attempt.shed()],
  ["the permission is lost", ({ lose }) => lose({ reason: "CredentialExpired" })],
])("a fault after the refusal that is sent when %s does not cut that answer off", async (_, refuse) => {
  const scene = await at("admitted");
  refuse(scene);
  scene.attempt.failed(new Error("behind the refusal"));
  expect(scene.socket.destroyed).toBe(false);
  await until("the client is told", () => scene.client.ended);
  expect(scene.client.received.toString("latin1")).toMatch(/^HTTP\/1\.1 (503|401) /);
  scene.attempt.end();
});

test("early bytes count until the handshake is over", async () => {
  const scene = await at("begun");
  expect(scene.attempt.early).toBe(3);
  scene.attempt.shed();
  expect(scene.attempt.early).toBe(0);
  expect(await scene.answers()).toEqual(["503 Overloaded"]);
});
