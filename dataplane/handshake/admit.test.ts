import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { clientNamed, handshakeFrom, PolicyBench, stepsOf } from "../../test/fakes/policy-bench.ts";
import { StoreTruth } from "../../test/fakes/shared-limits.ts";
import { Turns } from "../../runtime/loop/turns.ts";
import { isRefusal } from "../rejection.ts";
import { admit, identify } from "./admit.ts";
import { ANYONE, type Identity } from "../identity.ts";
import type { PolicySteps } from "../policy.ts";
import type { Refusal } from "../rejection.ts";

const { signal } = new AbortController();
const handshake = handshakeFrom();

/** Both halves, one right after the other, as `upgrade.ts` runs them. */
async function run(
  chain: readonly PolicySteps[],
  enter: (identity: Identity) => void = () => {},
): Promise<Identity | Refusal> {
  const identity = await identify(chain, handshake, signal);
  if (isRefusal(identity)) return identity;
  const refusal = admit(chain, handshake, identity);
  if (refusal !== undefined) return refusal;
  enter(identity);
  return identity;
}

test("policies are asked for an unknown client first, then for its identity, then with its identity", async () => {
  const steps: string[] = [];
  const step = (name: string): PolicySteps =>
    stepsOf({
      screen: () => void steps.push(`screen ${name}`),
      authenticate: async () => {
        steps.push(`authenticate ${name}`);
        return clientNamed(name);
      },
      admit: (_, { client }) => void steps.push(`admit ${name} of ${client}`),
    });
  const outcome = await run([step("a"), step("b")]);
  expect(steps).toEqual([
    ...["screen a", "screen b", "authenticate a", "authenticate b", "admit a of b", "admit b of b"],
  ]);
  expect(outcome).toMatchObject({ client: "b" });
});

test.each<[string, Omit<PolicySteps, "kind">]>([
  ["screen", { screen: () => ({ reason: "Denied" }) }],
  ["authenticate", { authenticate: async () => ({ reason: "Denied" }) }],
  ["admit", { admit: () => ({ reason: "Denied" }) }],
])("a refusal in %s ends the chain there, and names its policy", async (_, refusing) => {
  const never = (): never => {
    throw new Error("asked after a refusal");
  };
  const outcome = await run([stepsOf(refusing, "origins"), stepsOf({ admit: never })], never);
  expect(outcome).toEqual({ reason: "Denied", policy: "origins" });
});

test("with no policy in effect the client is not identified", async () => {
  expect(await run([])).toBe(ANYONE);
});

test("of two handshakes that wait for the same issuer only one gets the last slot", async () => {
  const bench = new PolicyBench();
  const issuer = Promise.withResolvers<Identity>();
  const issued = stepsOf({ authenticate: () => issuer.promise });
  const limited = [issued, bench.compile("connections", [{ per: "Client", limit: 1 }])];
  const enter = (identity: Identity): void => void bench.occupancy.enter("main", identity, handshake);
  const both = [run(limited, enter), run(limited, enter)];
  issuer.resolve(clientNamed("alice"));
  const outcomes = await Promise.all(both);
  expect(outcomes.map((outcome) => ("reason" in outcome ? outcome.reason : "admitted"))).toEqual([
    "admitted",
    "ConnectionLimit",
  ]);
});

test("a client that has left before its turn asks the store nothing", async () => {
  const bench = new PolicyBench({ truth: new StoreTruth(new FakeClock()) });
  const limited = [bench.compile("attempts", [{ per: "IP", limit: 5, interval: "1m" }])];
  const { clock, store: shared } = bench;
  const turns = new Turns(1);
  const { promise, resolve } = Promise.withResolvers<void>();
  const other = turns.take(() => promise);
  const client = new AbortController();
  const left = identify(limited, handshake, client.signal, { clock, shared, turns });
  const stays = identify(limited, handshake, signal, { clock, shared, turns });
  client.abort();
  resolve();
  await Promise.all([other, left, stays]);
  expect(shared?.asked).toHaveLength(1);
});
