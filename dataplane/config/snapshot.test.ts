import { expect, test } from "vitest";
import type { Config } from "../../api/config.ts";
import type { PolicyKind } from "../../api/policies/index.ts";
import { withKeys } from "../../test/fakes/api-keys.ts";
import { configOf, type RouteParts } from "../../test/fakes/config.ts";
import { clientNamed, handshakeFrom, PolicyBench } from "../../test/fakes/policy-bench.ts";
import { Slices } from "../../runtime/loop/slices.ts";
import { chain } from "../policies/index.ts";
import type { PolicySteps } from "../policy.ts";
import { compile, type CompiledRoute, type Snapshot } from "./snapshot.ts";

/** Configs of one proxy, one after the other: `apply` puts a config in force, or leaves all as it was. */
class Proxy {
  readonly bench = new PolicyBench();
  readonly #options = this.bench.compileOptions;
  inForce: Snapshot | undefined;

  async apply(config: Config): Promise<Snapshot> {
    const { memory, clock } = this.bench;
    try {
      const snapshot = await compile(config, "hash", this.#options, new Slices(clock), this.inForce);
      memory.commit();
      this.inForce = snapshot;
      return snapshot;
    } catch (fault) {
      memory.rollback();
      throw fault;
    }
  }
}

const route = (snapshot: Snapshot, name = "main"): CompiledRoute => {
  const found = snapshot.routes.get(name);
  if (found === undefined) throw new Error(`no route ${name}`);
  return found;
};
const steps = (snapshot: Snapshot, kind: PolicyKind, name = "main"): PolicySteps | undefined =>
  route(snapshot, name).chain.find((it) => it.kind === kind);

const limits = {
  ...withKeys(["alice"]),
  deny: { clients: ["eve"], tokenIds: [], addresses: [] },
  attempts: [{ per: "Route", limit: 2, interval: "1h" }],
  messages: { fromClient: [{ per: "Connection", limit: 1, interval: "1s" }], fromBackend: [] },
};
const routes = (...names: string[]): RouteParts[] =>
  names.map((name) => ({ name, path: { type: "Prefix", value: `/${name}` }, policies: limits, ownPolicies: [] }));

/** The same config, in which every object is the same but the settings of this policy. */
function changed(config: Config, kind: PolicyKind, settings: unknown): Config {
  return { ...config, policies: { ...config.policies, [kind]: [settings] } };
}

test("a route has the policies in effect, in the order of the chain, and none that is absent", async () => {
  const { chain: compiled } = route(await new Proxy().apply(configOf({ routes: routes("main") })));
  const kinds = compiled.map(({ kind }) => kind);
  expect(kinds).toEqual((Object.keys(chain) as PolicyKind[]).filter((kind) => kinds.includes(kind)));
  expect(kinds).toEqual(expect.arrayContaining(["deny", "attempts", "authentication", "messages", "timeouts"]));
  expect(kinds).not.toContain("connections");
});

test("routes that share settings share what depends on nothing else", async () => {
  const snapshot = await new Proxy().apply(configOf({ routes: routes("a", "b") }));
  expect(steps(snapshot, "deny", "a")).toBe(steps(snapshot, "deny", "b"));
  expect(steps(snapshot, "attempts", "a")).not.toBe(steps(snapshot, "attempts", "b"));
});

test("of an unchanged config every compiled policy stays the same object", async () => {
  const proxy = new Proxy();
  const config = configOf({ routes: routes("a", "b") });
  const before = await proxy.apply(config);
  const after = await proxy.apply({ ...config, proxy: { ...config.proxy, generation: 2 } });
  expect(after).not.toBe(before);
  for (const name of ["a", "b"]) {
    const [old, now] = [route(before, name).chain, route(after, name).chain];
    expect(now).toHaveLength(old.length);
    expect(now.every((it, at) => it === old[at])).toBe(true);
  }
});

test("one policy's new settings compile that policy anew, and no other", async () => {
  const proxy = new Proxy();
  const config = configOf({ routes: routes("main") });
  const before = route(await proxy.apply(config)).chain;
  const deny = { clients: ["mallory"], tokenIds: [], addresses: [] };
  const after = route(await proxy.apply(changed(config, "deny", deny))).chain;
  expect(after.filter((it) => !before.includes(it)).map(({ kind }) => kind)).toEqual(["deny"]);
});

test.each<[string, (config: Config) => Config]>([
  ["whether limits act", (config) => changed(config, "enforcement", "Shadow")],
  [
    "whose counters they use",
    (config) => ({
      ...config,
      routes: config.routes.map((it) => ({ ...it, ownPolicies: ["attempts"] as PolicyKind[] })),
    }),
  ],
])("limits are compiled anew when it changes %s", async (_, change) => {
  const proxy = new Proxy();
  const config = configOf({ routes: routes("main") });
  const before = steps(await proxy.apply(config), "attempts");
  expect(steps(await proxy.apply(change(config)), "attempts")).not.toBe(before);
});

test("what a policy remembers outlives configs in which it is not compiled anew", async () => {
  const proxy = new Proxy();
  const config = configOf({ routes: routes("main") });
  const count = async (generation: number): Promise<string> => {
    const snapshot = await proxy.apply({ ...config, proxy: { ...config.proxy, generation } });
    const refusal = steps(snapshot, "attempts")?.admit?.(handshakeFrom(), clientNamed("alice"));
    return refusal?.reason ?? "admitted";
  };
  expect([await count(1), await count(2), await count(3)]).toEqual(["admitted", "admitted", "AttemptLimit"]);
});

test.each<[string, (config: Config) => Config]>([
  [
    "a route without authentication",
    (config) => {
      const [first, second] = config.routes as [Config["routes"][number], Config["routes"][number]];
      const others = Object.entries(second.policies).filter(([kind]) => kind !== "authentication");
      const open = { ...second, policies: Object.fromEntries(others) as typeof second.policies };
      return { ...config, routes: [first, open] };
    },
  ],
  [
    "a policy that cannot be compiled",
    (config) => changed(config, "deny", { clients: ["alice"], tokenIds: [], addresses: ["not an address"] }),
  ],
])("%s is not put in force, and everything stays as it was", async (_, broken) => {
  const proxy = new Proxy();
  const config = configOf({ routes: routes("a", "b") });
  const before = await proxy.apply(config);
  const [deny, attempts] = [steps(before, "deny", "a"), steps(before, "attempts", "a")];
  const admits = (): boolean => attempts?.admit?.(handshakeFrom(), clientNamed("alice")) === undefined;
  expect(admits()).toBe(true);
  const tighter = changed(config, "attempts", [{ per: "Route", limit: 1, burst: 1, interval: "1h" }]);
  await expect(proxy.apply(broken(tighter))).rejects.toThrow(/authentication|address/);
  expect(proxy.inForce).toBe(before);
  // One more token of the limit of two that is in force, and not of the one that was compiled for the rejected config.
  expect([admits(), admits()]).toEqual([true, false]);
  const after = await proxy.apply(config);
  expect([steps(after, "deny", "a"), steps(after, "attempts", "a")]).toEqual([deny, attempts]);
  expect(steps(after, "attempts", "a")).toBe(attempts);
});

test("a plan is the sum of what the policies in effect write", async () => {
  const snapshot = await new Proxy().apply(
    configOf({ routes: [{ policies: { messageSize: { fromClient: "1Ki", fromBackend: "0", maxFragments: 7 } } }] }),
  );
  const { fromClient, fromBackend } = route(snapshot).plan({} as never);
  expect(fromClient).toMatchObject({ maxMessage: 1024, maxFragments: 7, messages: [], bytes: [] });
  expect(fromBackend).toMatchObject({ maxMessage: Infinity, maxFragments: 7 });
});

test("the time for a request head is the longest of the routes", async () => {
  const timeouts = (handshake: string): object => ({ handshake, backendConnect: "5s", idle: "0s", lifetime: "0s" });
  const config = configOf({
    routes: [
      { name: "a", policies: { timeouts: timeouts("3s") } },
      { name: "b", policies: { timeouts: timeouts("7s") } },
    ],
  });
  const proxy = new Proxy();
  expect((await proxy.apply(config)).handshakeTimeout).toBe(7000);
  expect((await proxy.apply({ ...config, routes: [] })).handshakeTimeout).toBe(10_000);
});

test("a config is compiled in slices: other work has its turn between two routes", async () => {
  const { compileOptions } = new PolicyBench();
  const names = ["a", "b", "c"];
  let turns = 0;
  const slices = { spent: true, next: async () => void (turns += 1) } as unknown as Slices;
  await compile(configOf({ routes: routes(...names) }), "hash", compileOptions, slices);
  expect(turns).toBe(names.length);
});
