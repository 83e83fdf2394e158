import { placesOf } from "../../../api/policies/authentication.ts";
import type { PolicySettings, Resolver } from "./policy.ts";

/**
 * A browser sends a site's cookies whatever page opens the connection. So a route that accepts a credential in a cookie
 * admits same-origin pages only, unless the user allows other origins.
 */
export const origins: Resolver<"origins"> = (settings, { all }) => {
  const cookie = acceptsCookie(all.authentication);
  if (settings === undefined) {
    return { value: cookie ? { allow: [], sameOrigin: true, allowMissing: false } : undefined };
  }
  const { allow, sameOrigin, allowMissing = !cookie } = settings;
  return { value: { allow, sameOrigin, allowMissing } };
};

function acceptsCookie(authentication: PolicySettings["authentication"]): boolean {
  return placesOf(authentication).some(({ cookie }) => cookie !== undefined);
}
