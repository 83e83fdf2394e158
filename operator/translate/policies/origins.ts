import type { Resolver, Settings } from "./policy.ts";

/**
 * Browsers send cookies along whichever page asks: a route that accepts one lets in same-origin pages only, unless
 * somebody wrote down which others may.
 */
export const origins: Resolver<"origins"> = (settings, { all }) => {
  const cookie = acceptsCookie(all.authentication);
  if (settings === undefined) {
    return { value: cookie ? { allow: [], sameOrigin: true, allowMissing: false } : undefined };
  }
  const { allow, sameOrigin, allowMissing = !cookie } = settings;
  return { value: { allow, sameOrigin, allowMissing } };
};

function acceptsCookie(authentication: Settings["authentication"]): boolean {
  const { apiKey, jwt, introspection } = authentication ?? {};
  return [apiKey, jwt, introspection].some((method) => method?.from.some(({ cookie }) => cookie !== undefined));
}
