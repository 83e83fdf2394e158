import { describe, expect, test } from "vitest";
import type { Endpoint, RouteConfig } from "../../api/config.ts";
import { routesOf } from "../../api/route-settings.ts";
import { FakeClock } from "../../test/fakes/clock.ts";
import { configOf, type RouteParts } from "../../test/fakes/config.ts";
import { balancer, type Balancer, type Target } from "./balancer.ts";
import { EndpointListing } from "./endpoint-listing.ts";
import { Memory } from "../memory.ts";

type Kind = RouteConfig["loadBalancing"];

/** A repeatable stand-in for chance. */
function sequence(): () => number {
  let state = 1;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

interface Setup {
  readonly weights?: Readonly<Record<string, number>>;
  readonly endpoints: Readonly<Record<string, readonly (number | { port: number; state: Endpoint["state"] })[]>>;
}

const endpointsFrom = (backends: Setup["endpoints"]): EndpointListing =>
  new EndpointListing({
    version: 1,
    backends: Object.fromEntries(
      Object.entries(backends).map(([name, list]) => [
        name,
        list.map((it) => ({ address: "192.0.2.1", state: "Ready", ...(typeof it === "number" ? { port: it } : it) })),
      ]),
    ),
  });

function make(loadBalancing: Kind, { weights, endpoints }: Setup): { it: Balancer; clock: FakeClock; memory: Memory } {
  const clock = new FakeClock();
  const memory = new Memory();
  const backends = Object.keys(endpoints).map((name) => ({ endpoints: name, weight: weights?.[name] ?? 1 }));
  const it = balancer(routeOf({ loadBalancing, backends }), memory, sequence(), clock);
  it.setEndpoints(endpointsFrom(endpoints));
  return { it, clock, memory };
}

function routeOf(parts: RouteParts): RouteConfig {
  const [route] = routesOf(configOf({ routes: [parts] }));
  if (route === undefined) throw new Error("no route");
  return route;
}

function first(it: Balancer): Target {
  const [target] = it.pick();
  if (target === undefined) throw new Error("nothing to pick");
  return target;
}

const port = ({ endpoint }: Target): number => endpoint.port;
const order = (it: Balancer): number[] => [...it.pick()].map(port);

/** How often each port comes first in n picks. */
function tally(it: Balancer, n: number, enter = false): Record<number, number> {
  const counts: Record<number, number> = {};
  for (let round = 0; round < n; round += 1) {
    const target = first(it);
    if (enter) target.enter();
    counts[port(target)] = (counts[port(target)] ?? 0) + 1;
  }
  return counts;
}

describe.each<Kind>(["LeastConnections", "RoundRobin", "Random"])("%s", (kind) => {
  test("gives each endpoint once, and nothing where there is none", () => {
    expect(order(make(kind, { endpoints: { a: [1, 2, 3] } }).it).sort((a, b) => a - b)).toEqual([1, 2, 3]);
    expect(order(make(kind, { endpoints: { a: [] } }).it)).toEqual([]);
    expect(order(make(kind, { endpoints: {} }).it)).toEqual([]);
  });

  test("leaves a backend of weight 0 out, even as the last resort", () => {
    const { it } = make(kind, { endpoints: { a: [1], b: [2] }, weights: { a: 0 } });
    expect(order(it)).toEqual([2]);
    expect(order(make(kind, { endpoints: { a: [1] }, weights: { a: 0 } }).it)).toEqual([]);
  });

  test("takes draining endpoints only where nothing is ready", () => {
    const draining = { port: 9, state: "Draining" as const };
    expect(order(make(kind, { endpoints: { a: [1, draining] } }).it)).toEqual([1]);
    expect(order(make(kind, { endpoints: { a: [draining] } }).it)).toEqual([9]);
    expect(order(make(kind, { endpoints: { a: [draining], b: [2] } }).it)).toEqual([2]);
  });

  test("tries an endpoint that refused last for 5 s, and goes on where all have refused", () => {
    const { it, clock } = make(kind, { endpoints: { a: [1, 2, 3] } });
    const refusing = first(it);
    refusing.refused();
    for (let round = 0; round < 20; round += 1) expect(order(it).at(-1)).toBe(port(refusing));
    clock.advance(4999);
    expect(order(it).at(-1)).toBe(port(refusing));
    clock.advance(1);
    const firsts = new Set(Array.from({ length: 60 }, () => port(first(it))));
    expect(firsts).toEqual(new Set([1, 2, 3]));
    for (const target of it.pick()) target.refused();
    expect(order(it).sort((a, b) => a - b)).toEqual([1, 2, 3]);
  });

  test("heeds weights, shared among a backend's endpoints", () => {
    const { it } = make(kind, { endpoints: { a: [1, 2], b: [3] }, weights: { a: 1, b: 3 } });
    const counts = tally(it, 800, true);
    const near = kind === "Random" ? 40 : 2;
    expect(Math.abs((counts[1] ?? 0) - 100)).toBeLessThanOrEqual(near);
    expect(Math.abs((counts[2] ?? 0) - 100)).toBeLessThanOrEqual(near);
    expect(Math.abs((counts[3] ?? 0) - 600)).toBeLessThanOrEqual(near);
  });

  test("knows new endpoints at once, and old ones no more", () => {
    const { it } = make(kind, { endpoints: { a: [1] } });
    it.setEndpoints(endpointsFrom({ a: [2, 3] }));
    expect(order(it).sort((a, b) => a - b)).toEqual([2, 3]);
  });
});

test("tells the dials that wait for an endpoint when it is listed no more, and goes on with what is", () => {
  const { it } = make("RoundRobin", { endpoints: { a: [1, 2] } });
  const picks = it.pick();
  const told: number[] = [];
  const waits = [...it.pick()].map((target) => target.whenGone(() => told.push(port(target))));
  const one = picks.next().value as Target;
  it.setEndpoints(endpointsFrom({ a: [{ port: port(one), state: "Draining" }, 3, 4] }));
  expect(told).toEqual([3 - port(one)]);
  it.setEndpoints(endpointsFrom({ a: [3, 4] }));
  expect(told).toEqual([3 - port(one), port(one)]);
  expect([...picks].map(port).sort((a, b) => a - b)).toEqual([3, 4]);
  const taken = first(it);
  taken.whenGone(() => told.push(port(taken)))();
  it.setEndpoints(endpointsFrom({}));
  expect(told).toHaveLength(2);
  for (const forget of waits) forget();
});

test("LeastConnections goes where fewest are, and a connection that ends counts no more, once", () => {
  const { it } = make("LeastConnections", { endpoints: { a: [1, 2] } });
  const one = first(it);
  const leave = one.enter();
  for (let round = 0; round < 10; round += 1) expect(port(first(it))).not.toBe(port(one));
  const two = first(it);
  two.enter();
  two.enter();
  expect(port(first(it))).toBe(port(one));
  leave();
  leave();
  one.enter();
  one.enter();
  one.enter();
  expect(port(first(it))).toBe(port(two));
});

test("connections are remembered over a new config and counted over all routes of the proxy", () => {
  const { it, memory, clock } = make("LeastConnections", { endpoints: { a: [1, 2] } });
  const busy = first(it);
  busy.enter();
  const other = routeOf({ name: "other", backends: [{ endpoints: "a", weight: 1 }] });
  const next = balancer(other, memory, sequence(), clock);
  next.setEndpoints(endpointsFrom({ a: [1, 2] }));
  for (let round = 0; round < 10; round += 1) expect(port(first(next))).not.toBe(port(busy));
});

test("RoundRobin takes turns, the heavier one more often and spread out", () => {
  const { it } = make("RoundRobin", { endpoints: { a: [1], b: [2] }, weights: { a: 3, b: 1 } });
  const picks = Array.from({ length: 8 }, () => port(first(it)));
  expect(picks.slice(0, 4).filter((it_) => it_ === 2).length).toBe(1);
  expect(picks.slice(4)).toEqual(picks.slice(0, 4));
  const equal = make("RoundRobin", { endpoints: { a: [1, 2, 3] } }).it;
  expect(Array.from({ length: 6 }, () => port(first(equal)))).toEqual([1, 2, 3, 1, 2, 3]);
});
