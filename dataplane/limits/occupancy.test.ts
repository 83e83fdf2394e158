import { expect, test } from "vitest";
import { clientNamed } from "../../test/fakes/policy-bench.ts";
import { kindOf, keysOf, Occupancy, occupancyKey, occupancyKind } from "./occupancy.ts";

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
  expect(occupancy.of("proxy\n")).toBe(1);
  second();
  expect(occupancy.size).toBe(0);
});

test("whatever a client is called, it is taken for no other subject", () => {
  const ids = ["a", "a in b", "a\nb", "a\n", "\n", "", "a in b\nclient a", "proxy", "192.0.2.1", "address 192.0.2.1"];
  const occupancy = new Occupancy();
  for (const id of ids) occupancy.enter("b", clientNamed(id), where);
  occupancy.enter("b", clientNamed(), where);
  const of = (per: "Client" | "IP" | "Route" | "Proxy", id?: string, own?: string): number =>
    occupancy.of(occupancyKey(per, own, "b", clientNamed(id), where));
  for (const id of [...ids, undefined]) expect([of("Client", id), of("Client", id, "b")], String(id)).toEqual([1, 1]);
  const all = ids.length + 1;
  expect([of("IP"), of("IP", undefined, "b"), of("Route"), of("Proxy")]).toEqual([all, all, all, all]);
  expect(occupancy.size).toBe(4 + 2 * all);
});

test("a key tells its kind, however its subject reads, and a walk sees each key", () => {
  const identity = clientNamed("a\nclient in c\nb");
  const keys = keysOf("b", identity, where);
  const kinds = ["proxy", "route b", "client", "client in b", "ip", "ip in b"];
  expect(keys.map(kindOf)).toEqual(kinds);
  expect(occupancyKind("IP", "b", "b")).toBe("ip in b");
  const occupancy = new Occupancy();
  occupancy.enter("b", identity, where);
  expect([...occupancy.keys()]).toEqual(keys);
});
