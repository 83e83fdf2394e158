import { expect, test } from "vitest";
import { configOf, endpointsOf } from "../fakes/config.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { limited, route, SharedPods, store, storeOf } from "../fakes/shared-pods.ts";
import { until } from "../fakes/sockets.ts";

const scene = SharedPods.forEachTest();

test("a limit that is new counts the sessions that are open, over all pods", async () => {
  const none = { store, routes: [route({})] };
  const [one, two] = [await scene().pod(none), await scene().pod(none)];
  await scene().outcomes(one, 2);
  await scene().outcomes(two, 1);
  expect(storeOf(one).asked).toEqual([]);
  await scene().change(one, limited(4));
  await scene().change(two, limited(4));
  expect(await scene().outcomes(two, 2)).toEqual(["101", "429 ConnectionLimit"]);
  await scene().allEnd();
});

test("a store that comes and goes while sessions are open counts them, and counts them no more", async () => {
  const without = { routes: limited(2).routes ?? [] };
  const [one, two] = [await scene().pod(without), await scene().pod(without)];
  await scene().outcomes(one, 1);
  await scene().outcomes(two, 1);
  await scene().change(one, limited(2));
  await scene().change(two, limited(2));
  expect([await scene().outcome(one), await scene().outcome(two)]).toEqual([
    "429 ConnectionLimit",
    "429 ConnectionLimit",
  ]);
  await scene().change(one, without);
  expect(storeOf(one).closed).toBe(true);
  expect(scene().truth.total).toBe(1);
  expect(await scene().outcomes(one, 2)).toEqual(["101", "429 ConnectionLimit"]);
  expect(await scene().outcomes(two, 2)).toEqual(["101", "429 ConnectionLimit"]);
  await scene().change(one, limited(2));
  expect(scene().truth.total).toBe(4);
  await scene().allEnd();
});

test("another address, or another answer to its absence, keeps the store's counts", async () => {
  const one = await scene().pod(limited(1));
  await scene().outcomes(one, 1);
  await scene().change(one, { ...limited(1), store: { address: "other:6379", whenUnavailable: "Refuse" } });
  expect(one.stores).toHaveLength(1);
  expect(storeOf(one).configured.map(({ address }) => address)).toEqual(["store:6379", "other:6379"]);
  await scene().allEnd();
});

test("a config that is refused makes no store, and leaves the one in force", async () => {
  const one = await scene().pod({ routes: [route({})] });
  const text = JSON.stringify(configOf({ store, routes: [route({})] }));
  const broken = JSON.parse(text.replace(/"authentication":\d+,?/, ""));
  expect(await one.apply(broken, endpointsOf([scene().backendPort]))).toMatchObject({ ok: false });
  expect(one.stores.filter(({ closed, configured }) => !closed || configured.length > 0)).toEqual([]);
  expect(await scene().outcome(one)).toBe("101");
});

test("a pod that drains leaves the store when its last session has ended, and takes no other store", async () => {
  const one = await scene().pod(limited(5));
  await scene().outcomes(one, 1);
  const ended = one.gateway.drain(0, new AbortController().signal);
  scene().clock.advance(1000);
  await until(
    "the session is told",
    () => scene().clients[0]?.closed === true || scene().clients[0]?.received.includes("Draining") === true,
  );
  expect(storeOf(one).closed).toBe(false);
  scene().clients[0]?.socket.destroy();
  await until("it left", () => {
    scene().clock.advance(50);
    return storeOf(one).closed;
  });
  await ended;
  await scene().change(one, { ...limited(5), store: { address: "other:6379" } });
  expect(one.stores).toHaveLength(1);
});

test("a pod is ready once its store can be asked or was waited for, and stays so", async () => {
  const one = new TestGateway(scene().clock, undefined, undefined, undefined, scene().truth);
  scene().pods.push(one);
  const ready = async (): Promise<number> => (await one.admin("/readyz")).status;
  one.storeSettles = false;
  await scene().change(one, limited(5));
  expect([await ready(), await one.metric("ready")]).toEqual([503, 0]);
  expect(await scene().outcome(one)).toBe("101");
  storeOf(one).settled = true;
  expect([await ready(), await one.metric("ready")]).toEqual([200, 1]);
  [storeOf(one).settled, storeOf(one).available] = [false, false];
  expect(await ready()).toBe(200);
});

test("a store that a pod in service gets does not make it unready", async () => {
  const one = await scene().pod({ routes: [route({})] });
  one.storeSettles = false;
  expect((await one.admin("/readyz")).status).toBe(200);
  await scene().change(one, limited(5));
  expect((await one.admin("/readyz")).status).toBe(200);
});
