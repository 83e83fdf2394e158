import type { Config } from "../../api/config.ts";
import type { Lookup, ReferenceProblem } from "./lookup.ts";
import { refreshRoute } from "./resolve-route.ts";
import { keyPair } from "./secrets.ts";

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
export function lastGood(before: Config, lookup: Lookup): Config {
  const { tls } = before.listener;
  return {
    ...before,
    listener:
      tls === undefined
        ? before.listener
        : { ...before.listener, tls: { ...tls, ...listenerTls(tls.secretName, before, lookup).tls } },
    routes: before.routes.map((route) => refreshRoute(route, "", lookup).route),
  };
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
