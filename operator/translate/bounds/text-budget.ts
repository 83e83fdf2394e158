import type { RouteConfig } from "../../../api/config.ts";
import { LARGEST_WRITTEN } from "../../../api/meta.ts";
import type { Problem } from "../../../api/problem.ts";
import { LONG } from "../../../api/route-settings.ts";
import { textSize } from "../../../api/text-size.ts";
import type { Steps } from "../steps.ts";

/**
 * Is there room to compare the policies of the routes with each other? They are compared as text: a thousand policies with
 * one large key set would make a thousand copies of it, before the size of the config is known.
 */
export function* fitsInText(routes: readonly RouteConfig[]): Steps<boolean> {
  const seen = new Set<unknown>();
  const isKnown = (one: unknown): boolean => {
    const known = seen.has(one);
    seen.add(one);
    return known;
  };
  const isKnownList = (list: readonly unknown[]): boolean => list.length >= LONG && isKnown(list);
  let left = LARGEST_WRITTEN;
  for (const { policies } of routes) {
    for (const value of Object.values(policies)) {
      if (typeof value !== "object" || !isKnown(value)) left -= textSize(value, left, isKnownList);
    }
    if (left < 0) return false;
    yield;
  }
  return true;
}

/** The problem of a proxy with routes that do not fit in text. */
export function textExcess(self: string): Problem<"TooLarge"> & { readonly object: string } {
  const message = `makes a config of more than ${LARGEST_WRITTEN / 1024 / 1024}Mi with the key sets that the routes name; write what they have in common in spec.policies, or divide them among several WebSocketProxies`;
  return { reason: "TooLarge", message, at: "spec", object: self };
}
