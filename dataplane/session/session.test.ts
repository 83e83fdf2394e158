import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { clientNamed } from "../../test/fakes/policy-bench.ts";
import type { Log } from "../../runtime/log.ts";
import { Metrics } from "../metrics.ts";
import { emptyPlan } from "../tunnel/plan.ts";
import type { Enforcement } from "../policy.ts";
import type { Termination } from "../rejection.ts";
import { Session } from "./session.ts";
import type { CompiledRoute } from "../config/snapshot.ts";
import type { Tunnel } from "../tunnel/tunnel-options.ts";

function bench() {
  const clock = new FakeClock();
  const metrics = new Metrics();
  const logged: string[] = [];
  const log = { info: (_: unknown, message: string) => void logged.push(message) } as unknown as Log;
  const route = (chain: Enforcement[]): CompiledRoute =>
    ({ name: "main", chain, metrics: metrics.route("demo/chat", "main"), plan: emptyPlan }) as unknown as CompiledRoute;
  const facts = {
    ...{ requestId: "request-1", identity: clientNamed("alice"), address: "192.0.2.1", addressSubject: "192.0.2.1" },
    ...{ protocol: undefined, endpoint: "192.0.2.9:80" },
  };
  const session = new Session(facts, route([]), clock, log);
  const did: string[] = [];
  const tunnel: Tunnel = {
    apply: () => void did.push("plan"),
    close: ({ reason }) => void did.push(`close ${reason}`),
    destroy: () => void did.push("destroy"),
    paused: true,
    buffered: 7,
  };
  session.opened(tunnel);
  const value = async (name: string): Promise<number> => {
    const metric = await metrics.registry.getSingleMetric(`wsproxy_${name}`)?.get();
    return (metric?.values ?? []).reduce((sum, sample) => sum + sample.value, 0);
  };
  return { clock, session, route, did, logged, value };
}

const revoked = { reason: "CredentialRevoked" } as const;

test("its permission is reviewed first; then its limits change, and it is watched anew", () => {
  const { session, route, did } = bench();
  const watching = (name: string): Enforcement => ({
    review: () => void did.push(`review ${name}`),
    plan: () => {},
    watch: () => {
      did.push(`watch ${name}`);
      return () => void did.push(`unwatch ${name}`);
    },
  });
  session.apply(route([watching("a"), {}, watching("b")]));
  session.apply(route([watching("c")]));
  expect(did).toEqual([
    ...["review a", "review b", "plan", "watch a", "watch b"],
    ...["unwatch a", "unwatch b", "review c", "plan", "watch c"],
  ]);
});

test("a policy that has not changed is not reviewed again; one that has is, and no other", () => {
  const { session, route, did } = bench();
  const asked = (name: string): Enforcement => ({ review: () => void did.push(`review ${name}`) });
  const [deny, limits, later] = [asked("deny"), { plan: () => {} }, asked("later")];
  const keys: Enforcement = {
    ...asked("keys"),
    watch: () => {
      did.push("watch");
      return () => void did.push("unwatch");
    },
  };
  const looked = (chain: Enforcement[]): string[] => {
    did.length = 0;
    session.apply(route(chain));
    return [...did];
  };
  expect(looked([deny, keys, limits])).toEqual(["review deny", "review keys", "plan", "watch"]);
  expect(looked([deny, keys, limits])).toEqual([]);
  expect(looked([later, keys, limits])).toEqual(["review later"]);
  expect(looked([later, keys, { plan: () => {} }])).toEqual(["plan"]);
  expect(looked([later, keys])).toEqual(["plan"]);
  expect(looked([later, { ...keys }])).toEqual(["unwatch", "review keys", "watch"]);
  expect(looked([later])).toEqual(["unwatch"]);
});

test("a permission that is gone ends it: no plan, no watch, and no later policy is asked", () => {
  const { session, route, did } = bench();
  session.apply(route([{ review: () => revoked }, { review: () => void did.push("asked"), watch: () => () => {} }]));
  expect(did).toEqual(["close CredentialRevoked"]);
  expect([session.ending, session.permissionLost]).toEqual([true, true]);
  session.apply(route([{ review: () => void did.push("asked again") }]));
  expect(did).toHaveLength(1);
});

test("a watch that fires ends it and all watches; only the first end counts", async () => {
  const { session, route, did, value } = bench();
  let fire: ((termination: Termination) => void) | undefined;
  const watch: Enforcement["watch"] = (_, end) => {
    fire = end;
    return () => void did.push("unwatch");
  };
  session.apply(route([{ watch, plan: () => {} }]));
  fire?.({ reason: "CredentialExpired" });
  fire?.(revoked);
  session.terminate({ reason: "Draining" });
  expect(did).toEqual(["plan", "unwatch", "close CredentialExpired"]);
  expect(await value("credential_terminations_total")).toBe(1);
});

test("an end for another reason is no loss of a permission", async () => {
  const { session, value } = bench();
  session.terminate({ reason: "Draining" });
  expect([session.ending, session.permissionLost]).toEqual([true, false]);
  expect(await value("credential_terminations_total")).toBe(0);
});

test("it is counted as open until both sockets are gone, with what its tunnel holds back", async () => {
  const { clock, session, logged, value } = bench();
  expect([await value("connections"), await value("paused_connections"), await value("buffered_bytes")]).toEqual([
    1, 1, 7,
  ]);
  session.terminate({ reason: "Draining" });
  expect(await value("connections")).toBe(1);
  clock.advance(1500);
  session.closed({ code: 1012, by: "gateway", termination: { reason: "Draining" } });
  expect([await value("connections"), await value("connections_closed_total")]).toEqual([0, 1]);
  expect(logged).toEqual(["session opened", "session closed"]);
});
