import { expect, test } from "vitest";
import { policies, type PolicyKind } from "../../api/policies/index.ts";
import { keyOf, withKeys } from "../../test/fakes/api-keys.ts";
import { configOf } from "../../test/fakes/config.ts";
import { clientNamed, handshakeFrom, PolicyBench } from "../../test/fakes/policy-bench.ts";
import { Slices } from "../../runtime/loop/slices.ts";
import { compile } from "../config/snapshot.ts";
import { admit, identify } from "../handshake/admit.ts";
import type { Handshake } from "../opening-handshake.ts";
import type { PolicySteps } from "../policy.ts";
import { isRefusal } from "../rejection.ts";
import { chain, framePolicies, handshakePolicies, sessionPolicies } from "./index.ts";

const kindsOf = (part: object): PolicyKind[] => Object.keys(part) as PolicyKind[];

test("each policy stands in one part of the chain, and the chain has them all", () => {
  const parts = [handshakePolicies, framePolicies, sessionPolicies].flatMap(kindsOf);
  expect(kindsOf(chain)).toEqual(parts);
  expect(parts.toSorted()).toEqual(kindsOf(policies).toSorted());
});

/** Policies of a route and a handshake of its client alice, which passes until something here refuses it. */
class Scene {
  readonly deny = { clients: [] as string[], tokenIds: [], addresses: [] as string[] };
  readonly origins = { allow: ["https://app.test"], allowMissing: true, sameOrigin: false };
  readonly attempts: object[] = [];
  readonly connections: object[] = [];
  credential = true;

  get handshake(): Handshake {
    const headers = this.credential ? [["x-api-key", keyOf("alice")]] : [];
    return { ...handshakeFrom("192.0.2.1"), query: "", protocols: [], headers } as unknown as Handshake;
  }

  /** The route's policies in effect; one session is open, and each limit on attempts has no token left. */
  async steps(): Promise<readonly PolicySteps[]> {
    const bench = new PolicyBench();
    const { deny, origins, attempts, connections, handshake } = this;
    const config = configOf({
      routes: [{ policies: { ...withKeys(["alice"]), deny, origins, attempts, connections } }],
    });
    const { routes } = await compile(config, "hash", bench.compileOptions, new Slices(bench.clock));
    bench.memory.commit();
    bench.occupancy.enter("main", clientNamed("alice"), handshake);
    const steps = routes.get("main")?.chain ?? [];
    const counting = steps.find(({ kind }) => kind === "attempts");
    counting?.screen?.(handshake);
    counting?.admit?.(handshake, clientNamed("alice"));
    return steps;
  }
}

/** How a handshake is refused at each place of the chain where it can be. */
const refusing: Readonly<Record<string, (scene: Scene) => unknown>> = {
  "screen deny": ({ deny }) => deny.addresses.push("192.0.2.1/32"),
  "screen origins": ({ origins }) => (origins.allowMissing = false),
  "screen attempts": ({ attempts }) => attempts.push({ per: "IP", limit: 1, interval: "1h" }),
  "authenticate authentication": (scene) => (scene.credential = false),
  "admit deny": ({ deny }) => deny.clients.push("alice"),
  "admit attempts": ({ attempts }) => attempts.push({ per: "Route", limit: 1, interval: "1h" }),
  "admit connections": ({ connections }) => connections.push({ per: "Client", limit: 1 }),
};

/** All places, in the order in which they must be asked: step by step, and within a step as the chain is written. */
const places = (["screen", "authenticate", "admit"] as const).flatMap((step) =>
  kindsOf(handshakePolicies).map((kind) => [step, kind] as const),
);
const tried = places.filter(([step, kind]) => `${step} ${kind}` in refusing);

test("each place of the chain that a policy takes part in is tried", async () => {
  const scene = new Scene();
  for (const refuse of Object.values(refusing)) refuse(scene);
  const taken = (await scene.steps()).flatMap((steps) =>
    places.filter(([step, kind]) => kind === steps.kind && steps[step] !== undefined),
  );
  expect(taken.map(String).toSorted()).toEqual(tried.map(String).toSorted());
});

test.each(tried.map(([step, kind], at) => [step, kind, tried.slice(at).map((place) => place.join(" "))] as const))(
  "%s of %s decides about a handshake that is refused at %j",
  async (step, kind, all) => {
    const scene = new Scene();
    for (const place of all) refusing[place]?.(scene);
    const { signal } = new AbortController();
    const steps = await scene.steps();
    const identity = await identify(steps, scene.handshake, signal);
    expect(isRefusal(identity)).toBe(step !== "admit");
    const refusal = isRefusal(identity) ? identity : admit(steps, scene.handshake, identity);
    expect(refusal?.policy).toBe(kind);
  },
);
