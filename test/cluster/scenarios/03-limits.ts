import assert from "node:assert/strict";
import { keyOf } from "../../fakes/api-keys.ts";
import { metric } from "../admin-port.ts";
import { scenario } from "../scenario.ts";
import type { Session } from "../session.ts";
import { apiKeys, byApiKey, sampleBackend } from "../workloads.ts";

const CLIENTS = ["alice", "bob", "carol", "dave"];
/** Sessions of one client. */
const SESSIONS = 4;
const MINUTE = "1m";
/** Handshakes of one client, of one address; one more each 10 s, which no step lasts. */
const HANDSHAKES = 12;
const ATTEMPTS = { limit: 6, interval: MINUTE, burst: HANDSHAKES };
const MOST_SECONDS = 10;
/** Messages at once; one more each 12 s, which no step lasts. */
const MESSAGES = { limit: 5, interval: MINUTE, burst: 20 };
const DROPPING = { limit: 5, interval: "20s", burst: 20, onExceed: "Drop" };
/** 20 at once, then one each 25 ms. */
const DELAYING = { limit: 40, interval: "1s", burst: 20, onExceed: "Delay" };
/** Bytes of one message. */
const SIZE = 1024;

/** The whole proxy. One pod, because limits are counted on each. */
function spec(sessions: number): object {
  const route = (name: string, policies: object): object => ({
    name,
    path: { value: `/${name}` },
    backends: [{ service: "sample-backend", port: "ws" }],
    policies,
  });
  const messages = (name: string, limit: object): object[] => [
    route(`${name}-from-client`, { messages: { fromClient: [{ per: "Connection", ...limit }] } }),
    route(`${name}-from-backend`, { messages: { fromBackend: [{ per: "Connection", ...limit }] } }),
  ];
  return {
    gateway: { replicas: 1 },
    dataplane: { drain: { period: "2s" } },
    policies: byApiKey,
    routes: [
      route("sessions", { connections: [{ per: "Client", limit: sessions }] }),
      route("room", { connections: [{ per: "Route", limit: SESSIONS }] }),
      route("client-attempts", { attempts: [{ per: "Client", ...ATTEMPTS }] }),
      route("ip-attempts", { attempts: [{ per: "IP", ...ATTEMPTS }] }),
      route("room-attempts", { attempts: [{ per: "Route", ...ATTEMPTS }] }),
      route("client-messages", { messages: { fromClient: [{ per: "Client", ...MESSAGES }] } }),
      ...messages("close", MESSAGES),
      ...messages("drop", DROPPING),
      ...messages("delay", DELAYING),
      route("size", { messageSize: { fromClient: String(SIZE), fromBackend: String(SIZE) } }),
    ],
  };
}

export default scenario("limits: what the last admitted and the first refused see", async (cluster, report) => {
  const { ledger } = cluster;
  await cluster.install();
  const namespace = await cluster.namespace("limits");
  await cluster.apply(namespace, ...sampleBackend(), apiKeys("keys", CLIENTS));
  await cluster.rolledOut(namespace, "sample-backend");
  const counted = (name: string, labels: Record<string, string>): Promise<number> =>
    metric(cluster, [namespace, "limits"], name, labels);
  const url = await report.step("one data plane pod serves routes with limits of every kind", () =>
    cluster.proxy(namespace, "limits", spec(SESSIONS)),
  );
  const dial = (path: string, client = "alice"): Session =>
    ledger.dial(`${url}/${path}`, {
      as: `${client} ${path}`,
      headers: { "x-api-key": keyOf(client) },
      perMessageDeflate: false, // sizes are those on the wire
    });
  const open = (path: string, client = "alice"): Promise<Session> => dial(path, client).opened();
  const openAll = (path: string, count: number, client = "alice"): Promise<Session[]> =>
    Promise.all(Array.from({ length: count }, () => open(path, client)));
  const closeAll = (sessions: readonly Session[]): Promise<unknown> =>
    Promise.all(sessions.map((session) => session.close()));
  /** Dials one that is refused, and says how; for how long it is to wait is in the ledger. */
  const refused = async (path: string, client = "alice"): Promise<string> => {
    const session = dial(path, client);
    const said = await session.refused();
    const { retryAfter } = session.entry.refused ?? {};
    const fits = Number.isInteger(retryAfter) && retryAfter! >= 1 && retryAfter! <= MOST_SECONDS;
    assert.ok(fits, `Retry-After ${retryAfter}`);
    return said;
  };

  await report.step(`a client has ${SESSIONS} sessions and no more; when it ends one it may open another`, async () => {
    const sessions = await openAll("sessions", SESSIONS);
    assert.equal(await refused("sessions"), "429 ConnectionLimit");
    sessions.push(await open("sessions", "bob")); // another client
    await sessions.shift()?.close();
    sessions.push(await open("sessions"));
    assert.equal(await refused("sessions"), "429 ConnectionLimit");
    await closeAll(sessions);
  });

  await report.step("of many that come at the same time exactly as many get in", async () => {
    const dialled = Array.from({ length: 3 * SESSIONS }, () => dial("sessions"));
    const said = await Promise.all(dialled.map((session) => session.opened().then(() => "in", String)));
    const inside = dialled.filter(({ isOpen }) => isOpen);
    assert.equal(inside.length, SESSIONS);
    assert.deepEqual(new Set(said), new Set(["in", "Error: refused: 429 ConnectionLimit"]));
    await closeAll(inside);
  });

  await report.step(`a route has ${SESSIONS} sessions, all clients together`, async () => {
    const sessions = await Promise.all(CLIENTS.map((client) => open("room", client)));
    assert.equal(await refused("room"), "503 ConnectionLimit");
    await closeAll(sessions);
  });

  await report.step("a limit that is changed ends no session, and decides about the next", async () => {
    const sessions = await openAll("sessions", SESSIONS);
    await cluster.proxy(namespace, "limits", spec(SESSIONS + 1));
    sessions.push(await open("sessions"));
    assert.equal(await refused("sessions"), "429 ConnectionLimit");
    await cluster.proxy(namespace, "limits", spec(SESSIONS - 1));
    assert.equal(await refused("sessions"), "429 ConnectionLimit");
    for (const session of sessions) await session.echo("still here");
    await closeAll(sessions);
  });

  await report.step(`a client, an address, a route have ${HANDSHAKES} handshakes and no more`, async () => {
    const exhaust = async (path: string): Promise<void> => {
      await openAll(path, HANDSHAKES - 1);
      await open(path);
    };
    await exhaust("client-attempts");
    assert.equal(await refused("client-attempts"), "429 AttemptLimit");
    await open("client-attempts", "bob");
    await exhaust("ip-attempts");
    assert.equal(await refused("ip-attempts"), "429 AttemptLimit");
    assert.equal(await refused("ip-attempts", "bob"), "429 AttemptLimit");
    await exhaust("room-attempts");
    assert.equal(await refused("room-attempts"), "503 AttemptLimit");
    assert.equal(await refused("room-attempts", "bob"), "503 AttemptLimit");
  });

  await report.step("of the clients that wait for Retry-After one gets in", async () => {
    const { at, retryAfter = 0 } = ledger.refusals.findLast(({ as }) => as === "alice client-attempts")!.refused!;
    await cluster.until("Retry-After is over", () => Promise.resolve(Date.now() >= at + retryAfter * 1000));
    await open("client-attempts");
    assert.equal(await refused("client-attempts"), "429 AttemptLimit");
  });

  for (const direction of ["from-client", "from-backend"]) {
    await report.step(`${MESSAGES.burst} messages ${direction} pass, one more ends the session`, async () => {
      const session = await open(`close-${direction}`);
      for (let count = 1; count < MESSAGES.burst; count += 1) session.send(`message ${count}`);
      await session.message(MESSAGES.burst - 1);
      await session.echo("the last one");
      session.send("one too many");
      const { code, text } = await session.ended();
      assert.equal(code, 1008);
      assert.match(text, /^MessageRate; retry-after=([1-9]|1[0-2])$/);
      assert.equal(session.entry.received.length, MESSAGES.burst);
      await (await open(`close-${direction}`)).echo("another session has its own");
    });

    await report.step(`or disappears, until there is room again (${direction})`, async () => {
      const session = await open(`drop-${direction}`);
      for (let count = 1; count <= DROPPING.burst + 5; count += 1) session.send(`message ${count}`);
      session.talk(100);
      const came = await session.message(DROPPING.burst + 1);
      session.silence();
      const { sent, received } = session.entry;
      const texts = sent.map(({ text }) => text);
      assert.deepEqual(
        received.slice(0, DROPPING.burst).map(({ text }) => text),
        texts.slice(0, DROPPING.burst),
      );
      assert.ok(texts.indexOf(came) >= DROPPING.burst + 5, `"${came}" was not dropped`);
      await session.close();
    });

    await report.step(`or is late, in order (${direction})`, async () => {
      const session = await open(`delay-${direction}`);
      const total = 3 * DELAYING.burst;
      const started = Date.now();
      for (let message = 1; message <= total; message += 1) session.send(`message ${message}`);
      await session.message(total);
      const took = Date.now() - started;
      const least = ((total - DELAYING.burst) / DELAYING.limit) * 1000;
      report.figure(`${total} messages ${direction}, ${DELAYING.burst} at once and 40 a second`, `${took} ms`);
      assert.ok(took > least - 50 && took < least + 4000, `${took} ms`);
      assert.deepEqual(
        session.entry.received.map(({ text }) => text),
        session.entry.sent.map(({ text }) => text),
      );
      await session.close();
    });
  }

  await report.step("messages per client are those of all its sessions", async () => {
    const [one, two] = [await open("client-messages"), await open("client-messages")];
    for (let count = 1; count <= MESSAGES.burst / 2; count += 1) {
      await one.echo(`message ${count}`);
      await two.echo(`message ${count}`);
    }
    const other = await open("client-messages", "bob");
    one.send("one too many");
    assert.equal((await one.ended()).code, 1008);
    assert.ok(two.isOpen);
    await other.echo("is another client");
  });

  await report.step(`a message has ${SIZE} bytes and no more`, async () => {
    const session = await open("size");
    for (const size of [SIZE - 1, SIZE]) await session.echo("x".repeat(size));
    session.send("x".repeat(SIZE + 1));
    const { code, text } = await session.ended();
    assert.deepEqual([code, text], [1009, "MessageTooBig"]);
  });

  await report.step("the metrics count what the clients saw", async () => {
    const refusals = ledger.refusals.map(({ refused: { reason } = { reason: "no answer" } }) => reason);
    for (const [reason, policy] of [
      ["ConnectionLimit", "connections"],
      ["AttemptLimit", "attempts"],
    ] as const) {
      const seen = refusals.filter((one) => one === reason).length;
      assert.equal(await counted("wsproxy_handshakes_total", { reason }), seen);
      assert.equal(await counted("wsproxy_limit_hits_total", { policy, action: "Refuse" }), seen);
    }
    assert.equal(await counted("wsproxy_limit_hits_total", { policy: "messages", action: "Close" }), 3);
    const unexpected = ledger.ended.filter(({ closed: { code } }) => ![1000, 1008, 1009].includes(code));
    assert.deepEqual(unexpected, []);
  });
});
