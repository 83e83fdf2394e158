import { expect, test } from "vitest";
import { clientNamed, handshakeFrom, PolicyBench } from "../test/fakes/policy-bench.ts";
import { admit, identify, isRefusal } from "./admit.ts";
import { ANYONE, type Identity } from "./identity.ts";
import type { Enforcement } from "./policies/policy.ts";
import type { Refusal } from "./rejection.ts";

const { signal } = new AbortController();
const handshake = handshakeFrom();

/** Both halves, one right after the other, as `upgrade.ts` runs them. */
async function run(
  chain: readonly Enforcement[],
  enter: (identity: Identity) => void = () => {},
): Promise<Identity | Refusal> {
  const identity = await identify(chain, handshake, signal);
  if (isRefusal(identity)) return identity;
  const refusal = admit(chain, handshake, identity);
  if (refusal !== undefined) return refusal;
  enter(identity);
  return identity;
}

test("policies screen the request first, then authenticate the client, then admit it by its identity", async () => {
  const steps: string[] = [];
  const step = (name: string): Enforcement => ({
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

test.each<[string, Enforcement]>([
  ["screen", { screen: () => ({ reason: "Denied" }) }],
  ["authenticate", { authenticate: async () => ({ reason: "Denied" }) }],
  ["admit", { admit: () => ({ reason: "Denied" }) }],
])("a refusal in %s ends it there", async (_, refusing) => {
  const never = (): never => {
    throw new Error("asked after a refusal");
  };
  const outcome = await run([refusing, { admit: never }], never);
  expect(outcome).toEqual({ reason: "Denied" });
});

test("without a policy the client is admitted without an identity", async () => {
  expect(await run([])).toBe(ANYONE);
});

test("two handshakes that waited for the same answer of the issuer do not both get the last place", async () => {
  const bench = new PolicyBench();
  const issuer = Promise.withResolvers<Identity>();
  const limited = [{ authenticate: () => issuer.promise }, bench.compile("connections", [{ per: "Client", limit: 1 }])];
  const enter = (identity: Identity): void => void bench.occupancy.enter("main", identity, handshake);
  const both = [run(limited, enter), run(limited, enter)];
  issuer.resolve(clientNamed("alice"));
  const outcomes = await Promise.all(both);
  expect(outcomes.map((outcome) => ("reason" in outcome ? outcome.reason : "admitted"))).toEqual([
    "admitted",
    "ConnectionLimit",
  ]);
});
