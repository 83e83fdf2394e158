import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { EventReader } from "../../test/fakes/event-reader.ts";
import { clientNamed, stepsOf } from "../../test/fakes/policy-bench.ts";
import type { Fields, Log } from "../../runtime/log.ts";
import { Metrics } from "../metrics.ts";
import { EventFilter } from "../debug/event-filter.ts";
import { Timeline } from "../debug/timeline.ts";
import { Watching } from "../debug/watching.ts";
import { emptyPlan } from "../tunnel/plan.ts";
import type { PolicySteps } from "../policy.ts";
import type { Termination } from "../rejection.ts";
import { Session } from "./session.ts";
import type { CompiledRoute } from "../config/snapshot.ts";
import type { Tunnel } from "../tunnel/tunnel-options.ts";

function bench() {
  const clock = new FakeClock();
  const metrics = new Metrics();
  const logged: Fields[] = [];
  const log = { info: (fields: Fields) => void logged.push(fields) } as unknown as Log;
  const route = (chain: PolicySteps[]): CompiledRoute =>
    ({ name: "main", chain, metrics: metrics.route("demo/chat", "main"), plan: emptyPlan }) as unknown as CompiledRoute;
  const facts = {
    ...{ requestId: "request-1", identity: clientNamed("alice"), address: "192.0.2.1", addressSubject: "192.0.2.1" },
    ...{ protocol: undefined, endpoint: "192.0.2.9:80" },
  };
  const watching = new Watching(clock);
  const session = new Session(facts, route([]), clock, log, new Timeline("demo/chat", watching));
  const did: string[] = [];
  const tunnel: Tunnel = {
    apply: () => void did.push("plan"),
    close: ({ reason, policy }) => void did.push(`close ${reason}${policy === undefined ? "" : ` by ${policy}`}`),
    destroy: () => void did.push("destroy"),
    trace: () => {},
    paused: true,
    buffered: 7,
  };
  session.opened(tunnel);
  const value = async (name: string): Promise<number> => {
    const metric = await metrics.registry.getSingleMetric(`wsproxy_${name}`)?.get();
    return (metric?.values ?? []).reduce((sum, sample) => sum + sample.value, 0);
  };
  return { clock, session, route, did, logged, value, watching };
}

test("what happens to it is told while something watches, and which session it is", () => {
  const { session, watching } = bench();
  session.tell("ping");
  const reader = new EventReader();
  const first = { at: "", proxies: [], payload: false };
  watching.watch(new EventFilter({ client: "alice" }), { name: "watching", event: first }, reader);
  session.tell("closeSent", { direction: "fromClient", code: 1000 });
  session.credentialChecked("Active");
  const of = { session: session.id, client: "alice", route: "main", requestId: "request-1", proxy: "demo/chat" };
  expect(reader.of("timeline")).toMatchObject([
    { ...of, what: "closeSent", direction: "fromClient", code: 1000 },
    { ...of, what: "credentialChecked", reason: "Active" },
  ]);
});

const revoked = { reason: "CredentialRevoked" } as const;

test("the permission is reviewed first; only then the limits change, and the permission is watched anew", () => {
  const { session, route, did } = bench();
  const watching = (name: string): PolicySteps =>
    stepsOf({
      review: () => void did.push(`review ${name}`),
      plan: () => {},
      watch: () => {
        did.push(`watch ${name}`);
        return () => void did.push(`unwatch ${name}`);
      },
    });
  session.apply(route([watching("a"), stepsOf({}), watching("b")]));
  session.apply(route([watching("c")]));
  expect(did).toEqual([
    ...["review a", "review b", "plan", "watch a", "watch b"],
    ...["unwatch a", "unwatch b", "review c", "plan", "watch c"],
  ]);
});

test("an unchanged policy is not asked again; a changed one is, and no other", () => {
  const { session, route, did } = bench();
  const asked = (name: string): PolicySteps => stepsOf({ review: () => void did.push(`review ${name}`) });
  const [deny, limits, later] = [asked("deny"), stepsOf({ plan: () => {} }), asked("later")];
  const keys: PolicySteps = {
    ...asked("keys"),
    watch: () => {
      did.push("watch");
      return () => void did.push("unwatch");
    },
  };
  const looked = (chain: PolicySteps[]): string[] => {
    did.length = 0;
    session.apply(route(chain));
    return [...did];
  };
  expect(looked([deny, keys, limits])).toEqual(["review deny", "review keys", "plan", "watch"]);
  expect(looked([deny, keys, limits])).toEqual([]);
  expect(looked([later, keys, limits])).toEqual(["review later"]);
  expect(looked([later, keys, stepsOf({ plan: () => {} })])).toEqual(["plan"]);
  expect(looked([later, keys])).toEqual(["plan"]);
  expect(looked([later, { ...keys }])).toEqual(["unwatch", "review keys", "watch"]);
  expect(looked([later])).toEqual(["unwatch"]);
});

test("a lost permission ends the session: no plan, no watch, and no policy behind is asked", () => {
  const { session, route, did } = bench();
  const behind = stepsOf({ review: () => void did.push("asked"), watch: () => () => {} });
  session.apply(route([stepsOf({ review: () => revoked }), behind]));
  expect(did).toEqual(["close CredentialRevoked by authentication"]);
  expect([session.ending, session.permissionLost]).toEqual([true, true]);
  session.apply(route([stepsOf({ review: () => void did.push("asked again") })]));
  expect(did).toHaveLength(1);
});

test("a watch that fires ends the session and all watches; only the first end counts", async () => {
  const { session, route, did, value } = bench();
  let fire: ((termination: Termination) => void) | undefined;
  const watch: PolicySteps["watch"] = (_, end) => {
    fire = end;
    return () => void did.push("unwatch");
  };
  session.apply(route([stepsOf({ watch, plan: () => {} })]));
  fire?.({ reason: "CredentialExpired" });
  fire?.(revoked);
  session.terminate({ reason: "Draining" });
  expect(did).toEqual(["plan", "unwatch", "close CredentialExpired by authentication"]);
  expect(await value("credential_terminations_total")).toBe(1);
});

test("a session that ends for another reason has not lost its permission", async () => {
  const { session, value } = bench();
  session.terminate({ reason: "Draining" });
  expect([session.ending, session.permissionLost]).toEqual([true, false]);
  expect(await value("credential_terminations_total")).toBe(0);
});

test("a session counts as open until both sockets are gone, with the bytes that its tunnel holds back", async () => {
  const { clock, session, logged, value } = bench();
  expect([await value("connections"), await value("paused_connections"), await value("buffered_bytes")]).toEqual([
    1, 1, 7,
  ]);
  session.terminate({ reason: "Draining" });
  expect(await value("connections")).toBe(1);
  clock.advance(1500);
  session.closed({ code: 1008, by: "gateway", termination: { reason: "MessageRate", policy: "messages" } });
  expect([await value("connections"), await value("connections_closed_total")]).toEqual([0, 1]);
  expect(logged.map(({ event, reason, policy }) => [event, reason, policy])).toEqual([
    ["SessionOpened", undefined, undefined],
    ["SessionClosed", "MessageRate", "messages"],
  ]);
});
