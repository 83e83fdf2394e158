import type { Config, RouteConfig } from "./config.ts";
import { policies, type PolicyKind, type RenderedPolicies } from "./policies/index.ts";

type Written = Pick<Config, "policies" | "routes">;
type Indexes = Written["routes"][number]["policies"];

const KINDS = Object.keys(policies) as PolicyKind[];

/** The routes of a config with their settings; routes with equal settings share one object. */
export function routesOf({ policies: settings, routes }: Written): RouteConfig[] {
  return routes.map((route) => {
    const own = KINDS.flatMap((kind) => {
      const index = route.policies[kind];
      return index === undefined ? [] : [[kind, settings[kind]?.[index]] as const];
    });
    return { ...route, policies: Object.fromEntries(own) as RenderedPolicies };
  });
}

/**
 * The inverse: `policies` lists each settings object once, in the order of the routes, and only the policies that a
 * route has.
 */
export function withSettings(routes: readonly RouteConfig[]): Written {
  const lists = new Map(KINDS.map((kind) => [kind, new SettingsList()]));
  const written = routes.map((route) => {
    const indexes = KINDS.flatMap((kind) => {
      const value: unknown = route.policies[kind];
      return value === undefined ? [] : [[kind, lists.get(kind)?.indexOf(value)] as const];
    });
    return { ...route, policies: Object.fromEntries(indexes) as Indexes };
  });
  const used = [...lists].flatMap(([kind, { settings }]) => (settings.length === 0 ? [] : [[kind, settings] as const]));
  return { policies: Object.fromEntries(used), routes: written };
}

/** Lists of this length or more are compared by identity, not by content: a translation makes equal lists one object. */
export const LONG = 64;

/** The settings of one policy; equal settings stand in the list once. */
class SettingsList {
  readonly settings: unknown[] = [];
  readonly #indexes = new Map<unknown, number>();
  readonly #byText = new Map<string, number>();
  readonly #lists = new Map<unknown, string>();

  /** Index of the settings in the list; adds them if they are new. */
  indexOf(value: unknown): number {
    const known = this.#indexes.get(value);
    if (known !== undefined) return known;
    const text = JSON.stringify(value, (_key, part: unknown) => this.#short(part));
    const index = this.#byText.get(text) ?? this.settings.push(value) - 1;
    this.#indexes.set(value, index);
    this.#byText.set(text, index);
    return index;
  }

  #short(part: unknown): unknown {
    if (!Array.isArray(part) || part.length < LONG) return part;
    const name = this.#lists.get(part) ?? `\u0000list ${this.#lists.size}`;
    this.#lists.set(part, name);
    return name;
  }
}
