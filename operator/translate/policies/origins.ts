import { placesOf } from "../../../api/policies/authentication.ts";
import type { CredentialPlace } from "../../../api/policies/credential-place.ts";
import type { PolicySettings, Resolver } from "./policy.ts";

/**
 * A browser sends a site's cookies whatever page opens the connection. So a handshake whose credential is a cookie must
 * come from a page of the same origin, or of one that the user allows; other handshakes need no Origin.
 */
export const origins: Resolver<"origins"> = (settings, { all, lookup }) => {
  // Of a config in force: complete as it stands.
  if (settings !== undefined && "cookies" in settings) return { value: settings };
  const found = cookiePlaces(all.authentication);
  // Equal lists of all routes become one object.
  const cookies = lookup.once(`cookie places ${JSON.stringify(found)}`, () => found);
  const demanding = cookies.length > 0;
  if (settings === undefined) {
    return { value: demanding ? { allow: [], sameOrigin: true, cookies, cookiesOnly: true } : undefined };
  }
  const { allow, sameOrigin, allowMissing } = settings;
  if (allowMissing === undefined && demanding) return { value: { allow, sameOrigin, cookies } };
  return { value: { allow, sameOrigin, allowMissing: allowMissing ?? true } };
};

/** The places that a browser fills by itself, each once. */
function cookiePlaces(authentication: PolicySettings["authentication"]): CredentialPlace[] {
  const places = placesOf(authentication);
  const names = new Set(places.flatMap(({ cookie }) => cookie ?? []));
  const whole = places.some(({ header }) => header?.toLowerCase() === "cookie");
  return [...[...names].map((cookie) => ({ cookie })), ...(whole ? [{ header: "cookie" }] : [])];
}
