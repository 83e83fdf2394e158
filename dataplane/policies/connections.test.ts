import { describe, expect, test } from "vitest";
import { clientNamed, COUNTED, handshakeFrom, type PolicyBench } from "../../test/fakes/policy-bench.ts";
import type { Refusal } from "../rejection.ts";
import type { PolicySteps } from "../policy.ts";

type Client = readonly [client: string | undefined, address: string];
const alice: Client = ["alice", "192.0.2.1"];

/** Tries to open a session; the function that closes it, or why not. */
const open = (
  bench: PolicyBench,
  policy: PolicySteps,
  [client, address]: Client,
  route = "main",
): Promise<(() => void) | Refusal> => bench.open(policy, client, address, route);

describe.each(COUNTED)("counted $counted", ({ pod }) => {
  test.each([
    ["Client", false],
    ["IP", false],
    ["Route", true],
    ["Proxy", true],
  ])("per %s: so many are open, one more is refused, and one when one has gone", async (per, shared) => {
    const bench = pod();
    const policy = bench.compile("connections", [{ per, limit: 2 }]);
    const first = (await open(bench, policy, alice)) as () => void;
    await open(bench, policy, alice);
    const refusal = { reason: "ConnectionLimit", retryAfter: 5, shared };
    expect(await open(bench, policy, alice)).toEqual(refusal);
    first();
    expect(await open(bench, policy, alice)).toBeInstanceOf(Function);
    expect(await open(bench, policy, alice)).toEqual(refusal);
  });

  test.each<[string, string, Client, boolean]>([
    ["another client", "Client", ["bob", "192.0.2.1"], true],
    ["the same client elsewhere", "Client", ["alice", "192.0.2.2"], false],
    ["another address", "IP", ["alice", "192.0.2.2"], true],
    ["another client there", "IP", ["bob", "192.0.2.1"], false],
  ])("%s has a slot of its own per %s: %s", async (_, per, client, admitted) => {
    const bench = pod();
    const policy = bench.compile("connections", [{ per, limit: 1 }]);
    await open(bench, policy, alice);
    expect(typeof (await open(bench, policy, client)) === "function").toBe(admitted);
  });

  test.each([
    ["an inherited limit counts over all routes", "Client", false, false],
    ["one of its own counts within its route", "Client", true, true],
    ["per Route is the route's, inherited too", "Route", false, true],
    ["per Proxy counts all that is open", "Proxy", true, false],
  ])("%s", async (_, per, own, admitted) => {
    const bench = pod();
    const compile = (route: string): PolicySteps => bench.compile("connections", [{ per, limit: 1 }], { route, own });
    const [a, b] = [compile("a"), compile("b")];
    await open(bench, a, alice, "a");
    expect(typeof (await open(bench, b, alice, "b")) === "function").toBe(admitted);
  });

  test("a new limit counts the sessions that are open already", async () => {
    const bench = pod();
    bench.occupancy.enter("main", clientNamed("alice"), handshakeFrom());
    const policy = bench.compile("connections", [{ per: "Client", limit: 1 }]);
    expect(await open(bench, policy, alice)).toMatchObject({ reason: "ConnectionLimit" });
  });

  test("in Shadow all handshakes pass, and each that a limit would refuse is counted and logged", async () => {
    const bench = pod();
    const policy = bench.compile("connections", [{ per: "IP", limit: 1 }], { shadow: true });
    for (let n = 0; n < 3; n += 1) expect(await open(bench, policy, alice)).toBeInstanceOf(Function);
    expect(await bench.hits({ enforcement: "Shadow", policy: "connections", action: "Refuse" })).toBe(2);
    expect(bench.logged).toHaveLength(2);
  });
});
