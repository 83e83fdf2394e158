import type { Config, RouteConfig } from "../../../api/config.ts";
import { routesOf, withSettings } from "../../../api/route-settings.ts";
import { excessOfKeys } from "../references/api-keys.ts";
import type { Lookup, ReferenceProblem } from "../references/lookup.ts";
import { refreshRoute } from "./resolve-route.ts";
import { keyPair } from "../references/secrets.ts";
import { eachOf, type Steps } from "../steps.ts";
import { fitsInText } from "../bounds/text-budget.ts";

/** The config in force, if it is this proxy's. */
export function inForce(
  previous: Config | undefined,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): Config | undefined {
  return previous?.proxy.namespace === namespace && previous.proxy.name === name ? previous : undefined;
}

/**
 * The config in force, whole, where nothing new can take its place. It is what it was, but for what its references hold
 * now: a mistake in a field must not keep a removed key alive.
 */
export function* lastGood(before: Config, lookup: Lookup): Steps<Config> {
  const { tls } = before.listener;
  const all = yield* eachOf(routesOf(before), (route) => ({ route, now: refreshRoute(route, "", lookup).route }));
  // What grew too large stays as it was; keys that are gone are gone all the same.
  const fitting = yield* fitsInText(all.map(({ now }) => now));
  const refreshed = fitting ? all : withKeysOnly(all);
  const written = withSettings(refreshed.map(({ now }) => now));
  const fits = excessOfKeys(written, lookup.self) === undefined;
  return {
    ...before,
    listener:
      tls === undefined
        ? before.listener
        : { ...before.listener, tls: { ...tls, ...listenerTls(tls.secretName, before, lookup).tls } },
    ...(fits ? written : withSettings(refreshed.map(({ route, now }) => withoutNewKeys(now, route, lookup)))),
  };
}

interface Refreshed {
  readonly route: RouteConfig;
  readonly now: RouteConfig;
}

/** Routes as they are in force, with the API keys that there are now. */
function withKeysOnly(all: readonly Refreshed[]): Refreshed[] {
  const made = new Map<unknown, RouteConfig["policies"]["authentication"]>();
  return all.map(({ route, now }) => {
    const { authentication } = route.policies;
    const keys = now.policies.authentication?.apiKey?.keys;
    if (authentication?.apiKey === undefined || keys === undefined) return { route, now: route };
    const renewed = made.get(authentication) ?? { ...authentication, apiKey: { ...authentication.apiKey, keys } };
    made.set(authentication, renewed);
    return { route, now: { ...route, policies: { ...route.policies, authentication: renewed } } };
  });
}

/** Of more keys than fit, those that were in force already and still are there. */
function withoutNewKeys(now: RouteConfig, before: RouteConfig, lookup: Lookup): RouteConfig {
  const { authentication } = now.policies;
  if (authentication?.apiKey === undefined) return now;
  const known = before.policies.authentication?.apiKey?.keys ?? [];
  const keys = lookup.once(known, () => {
    const digests = new Set(known.map(({ digest }) => digest));
    return (authentication.apiKey?.keys ?? []).filter(({ digest }) => digests.has(digest));
  });
  const apiKey = { ...authentication.apiKey, keys };
  return { ...now, policies: { ...now.policies, authentication: { ...authentication, apiKey } } };
}

/** A certificate that is lost or broken leaves the one in force: it is no permission that somebody took away. */
export function listenerTls(
  secretName: string | undefined,
  before: Config | undefined,
  lookup: Lookup,
): { readonly tls: NonNullable<Config["listener"]["tls"]>; readonly problems: readonly ReferenceProblem[] } {
  if (secretName === undefined) return { tls: {}, problems: [] };
  const now = keyPair(secretName, "spec.listener.tls.secretName", lookup);
  const tls = before?.listener.tls;
  const value = now.value ?? (tls?.secretName === secretName ? tls.keyPair : undefined);
  return { tls: { secretName, ...(value === undefined ? {} : { keyPair: value }) }, problems: now.problems };
}
