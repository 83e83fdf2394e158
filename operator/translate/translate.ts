import type { Config, RouteConfig } from "../../api/config.ts";
import { routesOf, withSettings } from "../../api/route-settings.ts";
import { excessOfKeys } from "./api-keys.ts";
import { configOf, endpointsFile, infraOf } from "./assemble.ts";
import { excessOf } from "./excess.ts";
import { judgeRoutes } from "./judge-routes.ts";
import { inForce, lastGood, listenerTls } from "./last-good.ts";
import { keyProblems } from "./key-problems.ts";
import { lookupFor } from "./lookup.ts";
import { portConflict } from "./port-conflict.ts";
import { resolvedRefs, rule } from "./proxy-status.ts";
import { readProxy } from "./read-proxy.ts";
import type { Resources, Surroundings, Tools } from "./resources.ts";
import { routeOutcome, routeStatus, type RouteOutcome } from "./route-outcome.ts";
import { distinct } from "./status.ts";
import type { Translation } from "./translation.ts";

/**
 * One WebSocketProxy and what it refers to → the config of its data plane and the conditions of its status. Pure: the
 * same resources in any order give the same bytes. Where the spec is not accepted, the config is `previous`, with what
 * its references hold now (`docs/decisions/0001-last-good-route.md`).
 */
export function translate(
  resources: Resources,
  previous: Config | undefined,
  tools: Tools,
  surroundings: Surroundings,
): Translation {
  const proxy = readProxy(resources.proxy);
  const { header, generation } = proxy;
  const before = inForce(previous, proxy);
  const lookup = lookupFor(proxy, resources, before, tools, surroundings);
  const inherited = proxy.policies ?? {};
  const kept = new Map(before && routesOf(before).map((route) => [route.name, route]));
  const outcomes = judgeRoutes(proxy, surroundings).map((it) => routeOutcome(it, inherited, kept.get(it.name), lookup));
  const listener = listenerTls(header?.listener.tls?.secretName, before, lookup);
  const routes = withSettings(routesInForce(outcomes));
  const wanted = header && configOf(proxy, header, listener.tls, routes);
  const whole = [
    excessOfKeys(routes, lookup.self) ?? excessOf(wanted, surroundings, lookup.self),
    portConflict(proxy, surroundings, lookup.self),
    ...keyProblems(header, lookup.self),
  ];
  const ruling = rule(proxy, outcomes, whole, lookup.self);
  const accepted = ruling.accepted ? header : undefined;

  const references = distinct([...listener.problems, ...outcomes.flatMap((outcome) => outcome.references)]);
  const config = accepted === undefined ? before && lastGood(before, lookup) : wanted;
  return {
    config,
    endpoints: endpointsFile(config, lookup),
    infra: accepted && infraOf(accepted),
    status: {
      conditions: [ruling.condition, resolvedRefs(ruling.accepted, references, generation)],
      routes: outcomes.map((outcome) => routeStatus(outcome, generation)),
      problems: distinct([...ruling.problems, ...references]),
    },
    asides: distinct(lookup.asides),
  };
}

/** Accepted routes first: where one of them serves what a kept one did, the new one has it. */
function routesInForce(outcomes: readonly RouteOutcome[]): RouteConfig[] {
  const [accepted, kept] = [true, false].map((wanted) => outcomes.filter((outcome) => outcome.accepted === wanted));
  return [...(accepted ?? []), ...(kept ?? [])].flatMap(({ route }) => route ?? []);
}
