import { describe, expect, test } from "vitest";
import { withKeys } from "../fakes/api-keys.ts";
import { reasonOf, type RawClient } from "../fakes/clients.ts";
import type { TestGateway } from "../fakes/gateway.ts";
import { limited, refusing, route, SharedPods, store, storeOf, told } from "../fakes/shared-pods.ts";
import { until } from "../fakes/sockets.ts";

const scene = SharedPods.forEachTest();

describe("while the store does not answer", () => {
  test("PerPod: the pod counts for itself, and tells the store once that answers again", async () => {
    const [one, two] = [await scene().pod(limited(2)), await scene().pod(limited(2))];
    await scene().outcomes(one, 1);
    storeOf(one).available = false;
    storeOf(two).available = false;
    expect([...(await scene().outcomes(one, 2)), ...(await scene().outcomes(two, 3))]).toEqual([
      ...["101", "429 ConnectionLimit"],
      ...["101", "101", "429 ConnectionLimit"],
    ]);
    storeOf(one).back();
    storeOf(two).back();
    expect(scene().truth.total).toBe(4);
    expect(await scene().outcome(one, "alice")).toBe("429 ConnectionLimit");
    await scene().allEnd();
  });

  test("PerPod: attempts that the store counted before count here too", async () => {
    const one = await scene().pod({
      store,
      routes: [route({ attempts: [{ per: "Client", limit: 3, interval: "1m" }] })],
    });
    await scene().outcomes(one, 2);
    storeOf(one).available = false;
    expect(await scene().outcomes(one, 2)).toEqual(["101", "429 AttemptLimit"]);
  });

  test.each<[string, object, boolean, boolean]>([
    ["a limit on sessions", { connections: [{ per: "Client", limit: 9 }] }, true, true],
    ["attempts per Route", { attempts: [{ per: "Route", limit: 9, interval: "1s" }] }, true, true],
    ["attempts per IP", { attempts: [{ per: "IP", limit: 9, interval: "1s" }] }, false, true],
    [
      "messages per Client",
      { messages: { fromClient: [{ per: "Client", limit: 9, interval: "1s" }], fromBackend: [] } },
      true,
      true,
    ],
    ["no limit", {}, true, false],
    [
      "limits in Shadow",
      {
        connections: [{ per: "Client", limit: 9 }],
        attempts: [{ per: "IP", limit: 9, interval: "1s" }],
        enforcement: "Shadow",
      },
      true,
      false,
    ],
  ])("Refuse: a route with %s", async (_, policies, behindKey, refuses) => {
    const one = await scene().pod({ store: refusing, routes: [route(policies)] });
    storeOf(one).available = false;
    const answer = await (await scene().knock(one)).answer();
    expect(answer.status === 101 ? "101" : reasonOf(answer)).toBe(refuses ? "StoreUnavailable" : "101");
    if (refuses) expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "5"]);
    if (behindKey) expect(await scene().outcome(one, "mallory")).toBe("401 CredentialInvalid");
    storeOf(one).available = true;
    expect(await scene().outcome(one, "bob")).toBe("101");
  });

  test("sessions that are open stay, and what ends meanwhile is told later", async () => {
    const one = await scene().pod({ ...limited(2), store: refusing });
    await scene().outcomes(one, 2);
    storeOf(one).available = false;
    scene().clients[0]?.socket.destroy();
    await until("it ended", () => one.sessions === 1);
    expect(await scene().outcome(one)).toBe("503 StoreUnavailable");
    storeOf(one).back();
    expect(scene().truth.total).toBe(1);
    expect(await scene().outcomes(one, 2)).toEqual(["101", "429 ConnectionLimit"]);
    await scene().allEnd();
  });
});

/** What happens while the store is asked, and what the client is told when the store says yes. */
const MEANWHILE: readonly (readonly [string, (one: TestGateway, client: RawClient) => unknown, string | undefined])[] =
  [
    ["nothing happens", () => {}, "101"],
    ["the client leaves", (_, client) => client.socket.resetAndDestroy(), undefined],
    ["the client ends its side", (_, client) => client.socket.end(), undefined],
    ["its route goes", (one) => scene().change(one, { store, routes: [{ name: "other" }] }), "404 RouteNotFound"],
    ["the config goes", (one) => one.gateway.removeConfig("test/proxy"), "404 RouteNotFound"],
    [
      "its key goes",
      (one) => scene().change(one, { store, routes: [{ policies: withKeys(["bob"]) }] }),
      "401 CredentialRevoked",
    ],
    ["the pod drains", (one) => void one.gateway.drain(0, new AbortController().signal), "503 Draining"],
    ["the pod stops at once", (one) => one.close(), undefined],
    ["the proxy is removed", (one) => void one.gateway.remove("test/proxy"), "503 Draining"],
    ["the limit gets another number", (one) => scene().change(one, limited(7)), "101"],
    ["the limit counts something else", (one) => scene().change(one, limited(7, "IP")), "101"],
    ["the limits go", (one) => scene().change(one, { store, routes: [route({})] }), "101"],
    ["the store goes", (one) => scene().change(one, { routes: limited(7).routes ?? [] }), "101"],
    [
      "the store goes and another comes",
      async (one) => {
        await scene().change(one, { routes: limited(7).routes ?? [] });
        await scene().change(one, limited(7));
      },
      "101",
    ],
  ];

describe.each(["yes", "no", "nothing"])("the store says %s, late", (says) => {
  test.each(MEANWHILE)("%s: what the handshake holds is given back once", async (_, happens, wanted) => {
    const [one, other] = [await scene().pod(limited(5)), await scene().pod(limited(5))];
    if (says === "no") await scene().outcomes(other, 5);
    const [{ promise, resolve }, asked] = [Promise.withResolvers<void>(), storeOf(one)];
    [asked.behind, asked.silent] = [promise, says === "nothing"];
    const client = await scene().knock(one);
    await until("the store is asked", () => asked.asked.length === 1);
    await happens(one, client);
    resolve();
    const gone = wanted === undefined;
    const refused = says === "no" && wanted === "101" && !asked.closed;
    if (!gone) expect(await told(client)).toBe(refused ? "429 ConnectionLimit" : wanted);
    await scene().allEnd();
  });
});
