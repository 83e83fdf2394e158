import { afterEach, describe, expect, test } from "vitest";
import type { StoreConfig } from "../../api/config.ts";
import { keyOf } from "../fakes/api-keys.ts";
import { EchoBackend } from "../fakes/echo-backend.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { until } from "../fakes/sockets.ts";
import { CLIENTS, fleetRoute } from "../fakes/store-fleet.ts";
import { Visit } from "../fakes/visits.ts";
import { StoreCluster } from "../store/cluster.ts";
import { storeTls } from "../store/demands.ts";
import { placesHeld } from "../store/places-held.ts";
import { Relay } from "../store/relay.ts";
import { STORE_LACKS, STORE_TLS_LACKS } from "../store/programs.ts";
import { StoreServer } from "../store/server.ts";

// Kinds of stores: with TLS and password, a replica that takes over, a Cluster. Two gateways count in each.

const LIMIT = 3;
const CLIENT = CLIENTS[0] ?? "";

const open: { close(): Promise<void> | void }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

type Store = Partial<StoreConfig> & Pick<StoreConfig, "address">;

const config = (store: Store): Parameters<TestGateway["serve"]>[0] => ({
  store: { whenUnavailable: "Refuse", ...store },
  routes: [fleetRoute("any", { connections: [{ per: "Client", limit: LIMIT }] })],
});

/** Two gateways that count in this store. */
async function gateways(store: Store): Promise<{ both: [TestGateway, TestGateway]; backend: EchoBackend }> {
  const backend = await new EchoBackend().open();
  const both: [TestGateway, TestGateway] = [new TestGateway(), new TestGateway()];
  open.push(backend, ...both);
  for (const gateway of both) await gateway.serve(config(store), [backend.port]);
  await available(both);
  return { both, backend };
}

async function available(both: readonly TestGateway[]): Promise<void> {
  await until("the store is available", async () =>
    (await Promise.all(both.map((gateway) => gateway.metric("store_available")))).every((value) => value === 1),
  );
}

const visit = (gateway: TestGateway): Promise<Visit> =>
  Visit.of({ port: gateway.port, client: CLIENT, target: "/any", headers: { "X-Api-Key": keyOf(CLIENT) } });

/** The same, again while the store is late: on a machine without a free core it may be for a moment. */
async function decided(gateway: TestGateway): Promise<Visit> {
  let answer = await visit(gateway);
  await until("the store decides", async () => {
    if (answer.reason === "StoreUnavailable") answer = await visit(gateway);
    return answer.reason !== "StoreUnavailable";
  });
  return answer;
}

/** Fills the limit over both gateways: the next is refused by each. Returns the sessions. */
async function expectLimit(both: readonly TestGateway[], held: readonly Visit[] = []): Promise<Visit[]> {
  const sessions = [...held];
  while (sessions.length < LIMIT) {
    // A place that a late answer took is free a moment later.
    let session = await visit(both[sessions.length % both.length] as TestGateway);
    await until("it is admitted", async () => {
      if (!session.open) session = await visit(both[sessions.length % both.length] as TestGateway);
      return session.open;
    });
    sessions.push(session);
  }
  for (const gateway of both) expect((await decided(gateway)).reason).toBe("ConnectionLimit");
  expect(sessions.every((session) => session.open)).toBe(true);
  return sessions;
}

/** The last one leaves, and one comes in over the other gateway. */
async function expectRoom(both: readonly TestGateway[], sessions: Visit[]): Promise<void> {
  sessions.pop()?.leave();
  let session: Visit | undefined;
  await until("there is room", async () => (session = await visit(both[1] as TestGateway)).status === 101);
  if (session !== undefined) sessions.push(session);
  await expectLimit(both, sessions);
}

describe.skipIf(STORE_LACKS !== undefined)("two gateways hold one limit", () => {
  test.skipIf(STORE_TLS_LACKS !== undefined)(
    "over TLS with a password, whose rotation and that of the CA ends no session and loses no count",
    async () => {
      const tls = await storeTls();
      const store = await StoreServer.start([], undefined, { tls, password: "first" });
      open.push(store);
      const secure = (ca: string, password: string): Store => ({
        address: store.address,
        tls: { serverName: tls.serverName, ca },
        credentials: { username: "", password },
      });
      const { both, backend } = await gateways(secure(tls.ca, "first"));
      const sessions = await expectLimit(both);

      const next = await storeTls();
      await store.present(next);
      await store.ask("CONFIG", "SET", "requirepass", "second");
      for (const gateway of both) await gateway.serve(config(secure(next.ca, "second")), [backend.port]);
      await until("they use the new password", async () => both.every(({ sessions: held }) => held > 0));
      await available(both);
      await expectRoom(both, sessions);
      for (const gateway of both) expect(gateway.logged).not.toMatch(/first|second/);

      for (const gateway of both) await gateway.serve(config(secure(tls.ca, "second")), [backend.port]);
      await until("the old CA is refused", async () => (await both[0].metric("store_available")) === 0);
      expect((await visit(both[0])).reason).toBe("StoreUnavailable");
      expect(sessions.every((session) => session.open)).toBe(true);
      for (const gateway of both) await gateway.serve(config(secure(next.ca, "second")), [backend.port]);
      await available(both);
      await expectRoom(both, sessions);
    },
  );

  test("with a wrong password nothing is admitted, and the log says why, once and without the password", async () => {
    const store = await StoreServer.start([], undefined, { password: "right-password" });
    const backend = await new EchoBackend().open();
    const gateway = new TestGateway();
    open.push(store, backend, gateway);
    const settings = (password: string): ReturnType<typeof config> =>
      config({ address: store.address, credentials: { username: "", password } });
    await gateway.serve(settings("wrong-password"), [backend.port]);
    const said = (): number => gateway.lines.filter(({ message }) => message === "store unavailable").length;
    await until("it is said", () => said() > 0);
    expect((await visit(gateway)).reason).toBe("StoreUnavailable");
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(said()).toBe(1);
    expect(gateway.logged).toContain("it refuses the user name or the password");
    expect(gateway.logged).not.toMatch(/(wrong|right)-password/);
    await gateway.serve(settings("right-password"), [backend.port]);
    await available([gateway]);
    await expectLimit([gateway]);
  });

  test("when the replica takes the place of a dead master, no session ends and no count is lost", async () => {
    const master = await StoreServer.start();
    const replica = await master.replica();
    const relay = await Relay.open(master);
    open.push(master, replica, relay);
    const { both } = await gateways({ address: relay.address });
    const sessions = await expectLimit(both);
    await master.kill();
    await until("they notice", async () => (await both[0].metric("store_available")) === 0);
    expect((await visit(both[0])).reason).toBe("StoreUnavailable");
    await relay.lead(replica);
    await replica.promote();
    await available(both);
    await expectRoom(both, sessions);
    await until("the replica counts them", async () => String(await placesHeld(replica)) === String(LIMIT));
  });

  test("a Cluster of three masters is used whichever node the address leads to, and after a failover", async () => {
    const cluster = await StoreCluster.start();
    open.push(cluster);
    const key = "{test/proxy}:pods";
    const entrance = await cluster.otherThan(key);
    const { both } = await gateways({ address: entrance.address });
    const sessions = await expectLimit(both);
    const owner = await cluster.ownerOf(key);
    expect(await placesHeld(owner)).toEqual([LIMIT]);
    const replica = await cluster.replicaOf(owner);
    await owner.kill();
    await until("they notice", async () => (await both[0].metric("store_available")) === 0);
    await cluster.failover(replica, "masterIsDead");
    await available(both);
    await expectRoom(both, sessions);
    await until("the replica counts them", async () => String(await placesHeld(replica)) === String(LIMIT));
  });
});
