import type { Config, RouteConfig } from "../../../api/config.ts";
import { routesOf, withSettings } from "../../../api/route-settings.ts";
import { excessOfKeys } from "../references/api-keys.ts";
import { withCurrentTls } from "../listener.ts";
import { withCurrentSecrets } from "../store.ts";
import type { Lookup } from "../references/lookup.ts";
import { refreshRoute } from "./resolve-route.ts";
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
 * The config in force with the current values of its references, for a spec that is not accepted: a mistake in a field must
 * not keep a removed key alive.
 */
export function* lastGoodConfig(before: Config, lookup: Lookup): Steps<Config> {
  const all = yield* eachOf(routesOf(before), (route) => ({ route, now: refreshRoute(route, "", lookup).route }));
  // Where the current values are too large, the routes stay as they were, without the keys that were removed.
  const fitting = yield* fitsInText(all.map(({ now }) => now));
  const refreshed = fitting ? all : withKeysOnly(all);
  const written = withSettings(refreshed.map(({ now }) => now));
  const fits = excessOfKeys(written, lookup.self) === undefined;
  return {
    ...before,
    listener: withCurrentTls(before, lookup),
    ...(before.store === undefined ? {} : { store: withCurrentSecrets(before.store, lookup) }),
    ...(fits ? written : withSettings(refreshed.map(({ route, now }) => withoutNewKeys(now, route, lookup)))),
  };
}

interface Refreshed {
  readonly route: RouteConfig;
  readonly now: RouteConfig;
}

/** The routes in force with the current API keys, and no other current values. */
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

/** The route with those of its current keys that were in force before: for a config with more keys than fit. */
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
