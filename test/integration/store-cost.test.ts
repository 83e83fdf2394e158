import { afterEach, expect, test } from "vitest";
import { EchoBackend } from "../fakes/echo-backend.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { tooMuchInEachRound } from "../fakes/rounds.ts";
import { until } from "../fakes/sockets.ts";
import { NO_PINGS } from "../fakes/store-fleet.ts";
import { Visit } from "../fakes/visits.ts";
import { commandsDone } from "../store/places-held.ts";
import { STORE_LACKS, StoreServer } from "../store/server.ts";

const SESSIONS = 1000;
const CLIENTS = 250;
const SECONDS = 5;
/** What clients of a store send; the others are done by its scripts. */
const SENT = /^(eval|evalsha|ping|hello|auth|client\|.*|script\|.*|info)$/;

const open: { close(): Promise<void> | void }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

test.skipIf(STORE_LACKS !== undefined)(
  "at 1,000 idle sessions a pod sends its store a few commands a second, and one for each handshake and each end",
  async () => {
    const store = await StoreServer.start();
    const backend = await new EchoBackend().open();
    const gateway = new TestGateway();
    open.push(store, backend, gateway);
    const limits = ["Client", "IP", "Route", "Proxy"].map((per) => ({ per, limit: 5000 }));
    const [connections, attempts] = [limits, limits.filter(({ per }) => per === "Client")];
    await gateway.serve(
      {
        trustedProxies: ["127.0.0.1"],
        store: { address: store.address, whenUnavailable: "PerPod" },
        routes: [
          {
            policies: {
              keepalive: NO_PINGS,
              connections,
              attempts: attempts.map((one) => ({ ...one, interval: "1m" })),
            },
          },
        ],
      },
      [backend.port],
    );
    await until("the store is available", async () => (await gateway.metric("store_available")) === 1);
    const sent = async (): Promise<number> =>
      [...(await commandsDone(store))].reduce((sum, [name, calls]) => sum + (SENT.test(name) ? calls : 0), 0);

    const late = async (): Promise<number> => (await gateway.metric("store_requests_total", { result: "Late" })) * 10;

    const before = await sent();
    const visits: Visit[] = [];
    while (visits.length < SESSIONS) {
      const headers = { "X-Forwarded-For": `192.0.2.${visits.length % CLIENTS}` };
      visits.push(await Visit.of({ port: gateway.port, client: "any", headers }));
    }
    expect(visits.filter((visit) => !visit.open).map(({ status }) => status)).toEqual([]);
    const coming = (await sent()) - before;
    expect(coming).toBeGreaterThanOrEqual(SESSIONS);
    expect(coming).toBeLessThan(SESSIONS * 1.02 + 20 + (await late()));

    // A machine without a free core makes a store late, and then all counts are written anew.
    const idle = async (): Promise<{ perSecond: number }> => {
      const start = await sent();
      await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
      return { perSecond: ((await sent()) - start) / SECONDS };
    };
    expect(await tooMuchInEachRound({ perSecond: 3 }, idle)).toEqual({});

    const leaving = await sent();
    for (const visit of visits) visit.leave();
    await gateway.empty();
    expect((await sent()) - leaving).toBeLessThan(SESSIONS * 1.02 + 20 + (await late()));
  },
);
