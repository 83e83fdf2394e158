import type { Config, RouteConfig } from "../../api/config.ts";
import { routesOf, withSettings } from "../../api/route-settings.ts";
import { excessOfKeys } from "./references/api-keys.ts";
import { configOf, endpointsFile } from "./assemble.ts";
import { excessOf } from "./bounds/excess.ts";
import { infraOf, serviceShape, sidecarShape } from "./infra.ts";
import { listenerOutcome } from "./listener.ts";
import { judgeRoutes } from "./routes/judge-routes.ts";
import { inForce, lastGoodConfig } from "./routes/last-good.ts";
import { modeProblem } from "./mode-problem.ts";
import { keyProblems } from "./references/key-problems.ts";
import { lookupFor, type ReferenceProblem } from "./references/lookup.ts";
import { portConflict } from "./port-conflict.ts";
import { resolvedRefs, rule } from "./proxy-status.ts";
import { seesNodes } from "./policies/node-addresses.ts";
import { limitsOverPods } from "./policies/shared-limits.ts";
import { mergePolicies } from "./policies/index.ts";
import { perPodWords } from "./per-pod.ts";
import { policyWarnings } from "./policies/policy-warnings.ts";
import { readProxy, type ReadProxy } from "./read-proxy.ts";
import type { Resources, TranslateOptions, Tools } from "./resources.ts";
import { readyBackends } from "./routes/ready-backends.ts";
import { routeOutcome, routeStatus, type RouteOutcome } from "./routes/route-outcome.ts";
import { sidecarProblems } from "./sidecar-problems.ts";
import { distinct } from "./status.ts";
import { storeOutcome } from "./store.ts";
import { storeWarnings } from "./policies/store-warnings.ts";
import { eachOf, finished, type Steps } from "./steps.ts";
import { fitsInText, textExcess } from "./bounds/text-budget.ts";
import type { Translation, Warning } from "./translation.ts";

/**
 * One WebSocketProxy and the objects that it refers to → the config of its data plane and the conditions of its status.
 * Pure: the same resources in any order give the same bytes. Where the spec is not accepted, the config is `previous` with
 * the current values of its references (`docs/decisions/0001-last-good-route.md`).
 */
export function translate(
  resources: Resources,
  previous: Config | undefined,
  tools: Tools,
  options: TranslateOptions,
): Translation {
  return finished(translation(resources, previous, tools, options));
}

/** The same in steps, for a process that has other work to do. */
export function* translation(
  resources: Resources,
  previous: Config | undefined,
  tools: Tools,
  options: TranslateOptions,
): Steps<Translation> {
  const proxy = yield* readProxy(resources.proxy);
  const { header, generation } = proxy;
  const before = inForce(previous, proxy);
  const lookup = lookupFor(proxy, resources, before, tools, options);
  const inherited = proxy.policies ?? {};
  const routesBefore = new Map(before && routesOf(before).map((route) => [route.name, route]));
  const judged = yield* judgeRoutes(proxy, options);
  const outcomes = yield* eachOf(judged, (it) => routeOutcome(it, inherited, routesBefore.get(it.name), lookup));
  const listening = header && listenerOutcome(header, before, lookup);
  const counting = header?.store && storeOutcome(header.store, before?.store, lookup);
  const served = routesInForce(outcomes);
  const fits = yield* fitsInText(served);
  const routes = withSettings(fits ? served : []);
  yield;
  const { listener } = listening ?? {};
  const wanted = header && listener && fits ? configOf(proxy, header, listener, counting?.store, routes) : undefined;
  const whole = [
    fits ? undefined : textExcess(lookup.self),
    excessOfKeys(routes, lookup.self) ?? (yield* excessOf(wanted, options, lookup.self)),
    portConflict(proxy, options, lookup.self),
    ...keyProblems(header, lookup.self),
    ...sidecarProblems(header, lookup.self),
  ];
  yield;
  const mode = modeProblem(proxy, options, resources, lookup.self);
  const limited = judged.some(({ spec }) => spec && limitsOverPods(mergePolicies(inherited, spec.policies)));
  const perPod = header && limited ? perPodWords(header) : undefined;
  const ruling = rule(proxy, outcomes, { mode, config: whole }, perPod, lookup.self);
  const accepted = ruling.accepted ? header : undefined;

  const ofHeader = [listening, counting].flatMap((it) => it?.problems ?? []);
  const references = mostFirst(distinct([...ofHeader, ...outcomes.flatMap((it) => it.references)]));
  const config = accepted === undefined ? before && (yield* lastGoodConfig(before, lookup)) : wanted;
  yield;
  const infra = accepted && listening && infraOf(accepted, listening, resources.serviceInForce);
  const service = infra === undefined ? resources.serviceInForce : serviceShape(infra);
  const sidecar = infra === undefined ? resources.sidecarInForce : sidecarShape(infra);
  const endpoints = endpointsFile(config, lookup);
  yield;
  const ready = config && readyBackends(accepted === undefined ? [] : judged, endpoints);
  yield;
  const ofStore = accepted?.store === undefined ? [] : storeWarnings(accepted.store, limited);
  const warnings = [...ofStore, ...(yield* warningsOf(proxy))].slice(0, MOST_WARNINGS);
  const notes = accepted === undefined || perPod === undefined ? [] : [{ at: "spec.store", message: perPod }];
  const inProxy = (it: Pick<Warning, "at" | "message">): Warning => ({ ...it, object: lookup.self });
  return {
    config,
    endpoints,
    infra,
    ...(service === undefined ? {} : { service }),
    ...(sidecar === undefined ? {} : { sidecar }),
    status: {
      conditions: [ruling.condition, resolvedRefs(ruling.accepted, references, generation)],
      routes: outcomes.map((outcome) => routeStatus(outcome, generation)),
      readyBackends: ready,
      problems: distinct([...ruling.problems, ...references]),
    },
    warnings: warnings.map(inProxy),
    notes: notes.map(inProxy),
    asides: distinct(lookup.asides),
  };
}

/** Warnings of one proxy: more than a reader needs, and few enough for the operator's memory. */
const MOST_WARNINGS = 100;

function* warningsOf({ header, policies, routes }: ReadProxy): Steps<ReturnType<typeof policyWarnings>> {
  const nodes = seesNodes(header);
  const found = policyWarnings(policies ?? {}, "spec.policies", nodes);
  yield;
  for (const { at, spec } of routes) {
    if (found.length >= MOST_WARNINGS) break;
    found.push(...policyWarnings(spec?.policies ?? {}, `${at}.policies`, nodes));
    yield;
  }
  return found;
}

/** Accepted routes come first: one that serves the same requests as the last good version of another route gets them. */
function routesInForce(outcomes: readonly RouteOutcome[]): RouteConfig[] {
  const [accepted, others] = [true, false].map((wanted) => outcomes.filter((outcome) => outcome.accepted === wanted));
  return [...(accepted ?? []), ...(others ?? [])].flatMap(({ route }) => route ?? []);
}

/** Objects that were not read for their size come first: the other problems may be more than a message holds. */
function mostFirst(problems: readonly ReferenceProblem[]): ReferenceProblem[] {
  const isFirst = ({ reason }: ReferenceProblem): boolean => reason === "TooLarge";
  return [...problems.filter(isFirst), ...problems.filter((problem) => !isFirst(problem))];
}
