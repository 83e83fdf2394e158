import { describe, expect, test } from "vitest";
import { COUNTED, type PolicyBench } from "../../test/fakes/policy-bench.ts";
import type { PolicySteps } from "../policy.ts";

const limit = { limit: 2, interval: "1s" };

/** How many of so many pass. */
async function passed(
  bench: PolicyBench,
  policy: PolicySteps,
  count: number,
  client?: string,
  address?: string,
): Promise<number> {
  let passing = 0;
  for (let n = 0; n < count; n += 1) if ((await bench.attempt(policy, client, address)) === undefined) passing += 1;
  return passing;
}

describe.each(COUNTED)("counted $counted", ({ pod }) => {
  test.each([
    ["Client", 429],
    ["IP", 429],
    ["Route", 503],
    ["Proxy", 503],
  ])("per %s: so many pass, one more is refused, and again when a token is back", async (per, status) => {
    const bench = pod();
    const policy = bench.compile("attempts", [{ per, ...limit }]);
    expect(await passed(bench, policy, 2, "alice")).toBe(2);
    const refusal = { reason: "AttemptLimit", retryAfter: 1, shared: status === 503 };
    expect(await bench.attempt(policy, "alice")).toEqual(refusal);
    bench.clock.advance(499);
    expect(await bench.attempt(policy, "alice")).toEqual(refusal);
    bench.clock.advance(1);
    expect(await passed(bench, policy, 2, "alice")).toBe(1);
  });

  test.each<[string, string, [string | undefined, string | undefined], number]>([
    ["another client", "Client", ["bob", undefined], 2],
    ["a client without an identity at another address", "Client", [undefined, "192.0.2.2"], 2],
    ["a client without an identity at the same address", "Client", [undefined, "192.0.2.1"], 2],
    ["the same client from another address", "Client", ["alice", "192.0.2.2"], 0],
    ["another address", "IP", ["alice", "192.0.2.2"], 2],
    ["another client of the same address", "IP", ["bob", "192.0.2.1"], 0],
    ["another client at another address", "Route", ["bob", "192.0.2.2"], 0],
    ["another client at another address", "Proxy", ["bob", "192.0.2.2"], 0],
  ])("%s has tokens of its own per %s", async (_, per, [client, address], wanted) => {
    const bench = pod();
    const policy = bench.compile("attempts", [{ per, ...limit }]);
    await passed(bench, policy, 2, "alice", "192.0.2.1");
    expect(await passed(bench, policy, 2, client, address)).toBe(wanted);
  });

  test.each([
    ["2001:db8:0:1::1", "2001:db8:0:1:ffff::9", 0],
    ["2001:db8:0:1::1", "2001:db8:0:2::1", 2],
  ])("per IP counts the /64: %s and %s", async (one, other, wanted) => {
    const bench = pod();
    const policy = bench.compile("attempts", [{ per: "IP", ...limit }]);
    await passed(bench, policy, 2, undefined, one);
    expect(await passed(bench, policy, 2, undefined, other)).toBe(wanted);
  });

  test.each<[string, boolean, string, number]>([
    ["an inherited limit per IP is the proxy's", false, "IP", 0],
    ["an inherited limit per Client is the proxy's", false, "Client", 0],
    ["an inherited limit per Proxy is the proxy's", false, "Proxy", 0],
    ["an inherited limit per Route is each route's", false, "Route", 2],
    ["a limit of its own per IP is the route's", true, "IP", 2],
    ["a limit of its own per Proxy counts what comes by this route", true, "Proxy", 2],
  ])("%s", async (_, own, per, wanted) => {
    const bench = pod();
    const compile = (route: string): PolicySteps =>
      bench.compile("attempts", [{ per, ...limit }], { route, own, commit: false });
    const [a, b] = [compile("a"), compile("b")];
    bench.memory.commit();
    await passed(bench, a, 2);
    expect(await passed(bench, b, 2)).toBe(wanted);
  });

  test("two routes with limits of their own per Proxy do not change each other's", async () => {
    const bench = pod();
    const compile = (route: string, most: number): PolicySteps =>
      bench.compile("attempts", [{ per: "Proxy", limit: most, interval: "1s" }], { route, commit: false });
    const [a, b] = [compile("a", 5), compile("b", 1)];
    bench.memory.commit();
    expect([await passed(bench, a, 9), await passed(bench, b, 9)]).toEqual([5, 1]);
  });

  test("what one limit refuses takes no token of the others", async () => {
    const bench = pod();
    const policy = bench.compile("attempts", [
      { per: "IP", ...limit },
      { per: "Proxy", limit: 3, interval: "1s" },
    ]);
    await passed(bench, policy, 9, undefined, "192.0.2.1");
    expect(await passed(bench, policy, 2, undefined, "192.0.2.2")).toBe(1);
  });

  test("Retry-After is when all of the exceeded limits have a token", async () => {
    const bench = pod();
    const policy = bench.compile("attempts", [
      { per: "Client", limit: 1, interval: "2s" },
      { per: "Route", limit: 1, interval: "1m" },
    ]);
    await bench.attempt(policy);
    expect(await bench.attempt(policy)).toMatchObject({ retryAfter: 60 });
  });

  test.each(["Client", "Route", "Proxy"])(
    "per %s, a handshake that never proves its client takes no token",
    async (per) => {
      const bench = pod();
      const policy = bench.compile("attempts", [{ per, ...limit }]);
      for (let n = 0; n < 100; n += 1) expect(await bench.screen(policy, `192.0.2.${n}`)).toBeUndefined();
      expect(await passed(bench, policy, 3, "alice")).toBe(2);
    },
  );

  test("per IP, a handshake takes its token before its client is proven", async () => {
    const bench = pod();
    const policy = bench.compile("attempts", [{ per: "IP", ...limit }]);
    const refusals = [await bench.screen(policy), await bench.screen(policy), await bench.screen(policy)];
    expect(refusals.map((refusal) => refusal === undefined)).toEqual([true, true, false]);
  });

  test.each([
    ["Client", "Route"],
    ["Route", "Client"],
    ["Proxy", "Client"],
  ])("what the limit per %s refuses takes no token of the one per %s", async (tight, wide) => {
    const bench = pod();
    const policy = bench.compile("attempts", [
      { per: tight, limit: 1, interval: "1s" },
      { per: wide, limit: 2, interval: "1h" },
    ]);
    expect(await passed(bench, policy, 5, "alice")).toBe(1);
    bench.clock.advance(1000);
    expect(await passed(bench, policy, 5, "alice")).toBe(1);
  });

  test("in Shadow all handshakes pass, and each that a limit would refuse is counted and logged", async () => {
    const bench = pod();
    const policy = bench.compile("attempts", [{ per: "IP", ...limit }], { shadow: true });
    expect(await passed(bench, policy, 5)).toBe(5);
    expect(await bench.hits({ enforcement: "Shadow", policy: "attempts", per: "IP", action: "Refuse" })).toBe(3);
    expect(bench.logged).toHaveLength(3);
    expect(bench.logged[0]).toMatchObject({ message: "limit exceeded", requestId: "request-1", shadow: true });
  });

  test("a change keeps what was used; one that is rolled back changes nothing", async () => {
    const bench = pod();
    const policy = bench.compile("attempts", [{ per: "IP", limit: 5, interval: "1s" }]);
    await passed(bench, policy, 3);
    bench.compile("attempts", [{ per: "IP", limit: 1, interval: "1s" }], { commit: false });
    bench.memory.rollback();
    expect(await passed(bench, policy, 1)).toBe(1);
    const next = bench.compile("attempts", [{ per: "IP", limit: 1, interval: "1s" }]);
    expect(await passed(bench, next, 9)).toBe(1);
  });

  test("a step of the wall clock changes nothing", async () => {
    const bench = pod();
    const policy = bench.compile("attempts", [{ per: "IP", ...limit }]);
    await passed(bench, policy, 2);
    bench.clock.stepWall(3_600_000);
    expect(await passed(bench, policy, 1)).toBe(0);
    bench.clock.stepWall(-7_200_000);
    bench.clock.advance(500);
    expect(await passed(bench, policy, 2)).toBe(1);
  });

  test("what was used per Route stays used when the policy moves between proxy and route", async () => {
    const bench = pod();
    const settings = [{ per: "Route", ...limit }];
    expect(await passed(bench, bench.compile("attempts", settings, { own: false }), 1)).toBe(1);
    expect(await passed(bench, bench.compile("attempts", settings, { own: true }), 2)).toBe(1);
  });
});
