import type { Handshake } from "../opening-handshake.ts";
import { credentialPresence } from "../auth/places.ts";
import { valuesOf } from "../http/header-fields.ts";
import type { Refusal } from "../rejection.ts";
import { ofSettings, type PolicyCompiler } from "../policy.ts";

/** No origin with a host name (RFC 1035), and none that a policy may list, is longer. */
const MAX_ORIGIN = 512;

/**
 * Refuses pages of other sites before any credential is looked at (RFC 6455 §10.2). What a browser sends by itself, a
 * cookie, counts as a credential only beside an origin that may use it.
 */
export const origins: PolicyCompiler<"origins"> = ofSettings("origins", (settings) => {
  const exact = new Set(settings.allow.filter((pattern) => !pattern.includes("*")).map(normalise));
  const wildcards = settings.allow.filter((pattern) => pattern.includes("*")).map(wildcard);
  const presentsCookie = credentialPresence(settings.cookies ?? []);
  return {
    screen(handshake) {
      const withCookie = presentsCookie(handshake);
      if (settings.cookiesOnly === true && !withCookie) return undefined;
      const refuse = (cause: string): Refusal => ({
        reason: "OriginForbidden",
        cause: withCookie ? `the credential is in a cookie: ${cause}` : cause,
      });
      const [origin, ...more] = valuesOf(handshake.headers, "origin");
      if (origin === undefined) return (settings.allowMissing ?? !withCookie) ? undefined : refuse("Origin is missing");
      if (more.length > 0) return refuse("two Origin fields");
      if (origin.length > MAX_ORIGIN) return refuse(`Origin is longer than ${MAX_ORIGIN} characters`);
      const sent = normalise(origin);
      if (exact.has(sent) || wildcards.some((fits) => fits(sent))) return undefined;
      return settings.sameOrigin && isSameOrigin(sent, handshake) ? undefined : refuse(foreign(origin));
    },
  };
});

/** Of other text nothing is said: it may hold a credential. */
function foreign(origin: string): string {
  const readable = origin === "null" || /^[a-z][a-z0-9+.-]*:\/\/[^/?#@]*$/i.test(origin);
  return readable ? `the origin ${origin} is not allowed` : "Origin has not the form scheme://host";
}

/** Scheme and host compare without case, and for http and https the scheme's own port is the same as none (RFC 6454 §4). */
function normalise(origin: string): string {
  const lower = origin.toLowerCase();
  if (lower.startsWith("https://")) return lower.replace(/:443$/, "");
  return lower.startsWith("http://") ? lower.replace(/:80$/, "") : lower;
}

function wildcard(pattern: string): (origin: string) => boolean {
  const [scheme = "", rest = ""] = normalise(pattern).split("*");
  return (origin) => {
    if (!origin.startsWith(scheme) || !origin.endsWith(rest)) return false;
    const labels = origin.slice(scheme.length, origin.length - rest.length);
    return /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(labels);
  };
}

/** Over TLS the page's scheme must be https. Without TLS here a proxy may have ended it unseen: then the scheme is not compared. */
function isSameOrigin(origin: string, handshake: Handshake): boolean {
  const match = /^(https?):\/\/([^/]+)$/.exec(origin);
  if (match === null) return false;
  const [, scheme = "", authority] = match;
  if (handshake.secure && scheme !== "https") return false;
  if (authority === normalise(`${scheme}://${handshake.authority}`).slice(scheme.length + 3)) return true;
  // A proxy that leaves the port out of Host tells it in X-Forwarded-Port.
  return origin === normalise(`${handshake.secure ? "https" : "http"}://${handshake.host}:${handshake.port}`);
}
