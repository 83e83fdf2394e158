import { canonicalAddress } from "../../runtime/canonical-address.ts";
import type { Session } from "../session/session.ts";

/** Which sessions are meant; what is absent does not matter. */
export interface SessionFilter {
  readonly client?: string | undefined;
  readonly route?: string | undefined;
  /** In its one spelling. */
  readonly address?: string | undefined;
  readonly proxy?: string | undefined;
}

/** What a filter can name. */
export const FILTERS = ["client", "route", "address", "proxy"] as const;

/** What is wrong with the parameters of a query, where only these may stand there, and each of them once. */
export function wrongParameters(query: URLSearchParams, names: readonly string[]): string | undefined {
  const given = [...query.keys()];
  const list = names.length < 2 ? names.join() : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
  if (given.some((name) => !names.includes(name))) return `this path takes ${list} only`;
  return new Set(given).size < given.length ? "a parameter may stand once only" : undefined;
}

/** The filter in a query, or what is wrong with it. An empty one is a mistake: an unset variable of a script. */
export function sessionFilter(query: URLSearchParams): SessionFilter | string {
  const of = (name: (typeof FILTERS)[number]): string | undefined => query.get(name) ?? undefined;
  const empty = FILTERS.find((name) => of(name) === "");
  if (empty !== undefined) return `${empty} is empty`;
  const given = of("address");
  const address = given === undefined ? undefined : canonicalAddress(given);
  if (given !== undefined && address === undefined) return "address is an IP address";
  return { client: of("client"), route: of("route"), address, proxy: of("proxy") };
}

/** Is this session of this proxy meant? */
export function isMeant({ client, route, address, proxy }: SessionFilter, name: string, session: Session): boolean {
  return (
    (proxy === undefined || proxy === name) &&
    (route === undefined || route === session.route) &&
    (address === undefined || address === session.address) &&
    (client === undefined || client === session.identity.client)
  );
}
