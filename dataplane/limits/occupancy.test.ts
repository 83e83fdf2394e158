import { expect, test } from "vitest";
import { clientNamed } from "../../test/fakes/policy-bench.ts";
import { Occupancy, occupancyKey } from "./occupancy.ts";

const where = { addressSubject: "192.0.2.1" };
const alice = clientNamed("alice");

test("a session counts for its proxy, route, client and address, over all routes and within its own", () => {
  const occupancy = new Occupancy();
  occupancy.enter("a", alice, where);
  occupancy.enter("b", alice, where);
  const count = (per: "Client" | "IP" | "Route" | "Proxy", own?: string): number =>
    occupancy.of(occupancyKey(per, own, own ?? "a", alice, where));
  expect([count("Proxy"), count("Route"), count("Client"), count("IP")]).toEqual([2, 1, 2, 2]);
  expect([count("Client", "a"), count("IP", "a"), count("Client", "c")]).toEqual([1, 1, 0]);
});

test("a client without an identity counts as a client by its address, apart from the count per address", () => {
  const occupancy = new Occupancy();
  const unnamed = clientNamed();
  occupancy.enter("a", unnamed, where);
  occupancy.enter("a", alice, where);
  expect(occupancy.of(occupancyKey("Client", undefined, "a", unnamed, where))).toBe(1);
  expect(occupancy.of(occupancyKey("IP", undefined, "a", unnamed, where))).toBe(2);
});

test("what leaves is given back once, and nothing is remembered of it", () => {
  const occupancy = new Occupancy();
  const [first, second] = [occupancy.enter("a", alice, where), occupancy.enter("a", alice, where)];
  first();
  first();
  expect(occupancy.of("proxy")).toBe(1);
  second();
  expect(occupancy.size).toBe(0);
});
