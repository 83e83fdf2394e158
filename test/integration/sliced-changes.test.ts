import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock, type Clock } from "../../runtime/clock.ts";
import { withKeys } from "../fakes/api-keys.ts";
import { polite, RawBackend } from "../fakes/backends.ts";
import { configOf, endpointsOf, type RouteParts } from "../fakes/config.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { Live } from "../fakes/live.ts";
import { until } from "../fakes/sockets.ts";

/** A clock that jumps at each look: a change then yields to the event loop after each small part of its work. */
class JumpyClock implements Clock {
  #jumped = 0;
  now(): number {
    this.#jumped += 10;
    return systemClock.now() + this.#jumped;
  }
  wall = systemClock.wall;
  after = systemClock.after;
}

const CLIENTS = Array.from({ length: 12 }, (_, n) => `client-${n}`);
const ROUTES = 30;

let backend: RawBackend;
let gateway: TestGateway;
let lives: Live[];

beforeEach(async () => {
  backend = await new RawBackend(polite).open();
  gateway = new TestGateway(new JumpyClock());
  lives = [];
});
afterEach(async () => {
  await gateway.close();
  await backend.close();
});

function routes(clients: readonly string[], generation = 1): RouteParts[] {
  const policies = withKeys(clients);
  return Array.from({ length: ROUTES }, (_, n) => ({
    name: `route-${n}`,
    path: { type: "Exact" as const, value: `/${n}` },
    policies: { ...policies, messageSize: { fromClient: generation, fromBackend: 0 } },
  }));
}

const open = (client: string, target = "/0"): Promise<Live> => Live.open(gateway, backend, { client, target });
const change = (clients: readonly string[], generation = 2) =>
  gateway.apply(configOf({ routes: routes(clients, generation), generation }), endpointsOf([backend.port]));

async function start(): Promise<void> {
  await gateway.serve({ routes: routes(CLIENTS) }, [backend.port]);
  for (const [n, client] of CLIENTS.entries()) lives.push(await open(client, `/${n}`));
}

/** How many turns the event loop has while something goes on. */
async function turnsDuring(work: Promise<unknown>): Promise<number> {
  let turns = 0;
  let over = false;
  const count = (): void => {
    turns += 1;
    if (!over) setImmediate(count);
  };
  setImmediate(count);
  await work;
  over = true;
  return turns;
}

test("reading, compiling and reviewing sessions give the event loop turns in between", async () => {
  await start();
  // Each setting and route is read, each route compiled and told its endpoints, and each session looked at.
  expect(await turnsDuring(change(CLIENTS))).toBeGreaterThan(3 * ROUTES);
  for (const live of lives) await live.lives();
});

test("a change resolves once every session has been reviewed", async () => {
  await start();
  await change(CLIENTS.slice(6));
  const sessions = [...(gateway.gateway.proxies[0]?.sessions ?? [])];
  expect(sessions.filter(({ permissionLost }) => permissionLost).map(({ identity }) => identity.client)).toEqual(
    CLIENTS.slice(0, 6),
  );
  for (const live of lives.slice(0, 6)) expect((await live.ended()).toClient).toBe("3000 CredentialRevoked");
  for (const live of lives.slice(6)) await live.lives();
  expect(await gateway.metric("config_dropped_sessions_total")).toBe(0);
});

test("during the review a session that opens obeys the newest config, and one that ends is left alone", async () => {
  await start();
  const applied = change(CLIENTS.slice(1));
  await until("the config is in force", () => gateway.gateway.proxies[0]?.snapshot?.config.proxy.generation === 2);
  lives.at(-1)?.client.socket.destroy();
  const during = await open("client-3", "/3");
  await expect(open("client-0")).rejects.toThrow("401");
  expect((await applied).ok).toBe(true);
  await during.lives();
  await until("the others are gone", () => gateway.sessions === CLIENTS.length - 1);
});

test("a gateway that stops while a change is being made stops", async () => {
  await start();
  const applied = change(CLIENTS.slice(6));
  await gateway.gateway.drain(0, AbortSignal.timeout(5000));
  expect((await applied).ok).toBe(true);
  await gateway.empty();
});

test("endpoints that change reach every route", async () => {
  await start();
  const second = await new RawBackend(polite).open();
  const { config } = gateway;
  if (config === undefined) throw new Error("no config");
  expect(await turnsDuring(gateway.apply(config, endpointsOf([second.port])))).toBeGreaterThan(ROUTES);
  await Live.open(gateway, second, { client: "client-1", target: `/${ROUTES - 1}` });
  expect(second.connections).toHaveLength(1);
  await second.close();
});

test("with a key added, the old ones and the new one are admitted on every route", async () => {
  await start();
  await change([...CLIENTS, "new"]);
  for (const client of ["new", "client-5"]) {
    const live = await open(client, `/${ROUTES - 1}`);
    await live.lives();
  }
  for (const live of lives) await live.lives();
});
