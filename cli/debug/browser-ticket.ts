import { randomBytes } from "node:crypto";
import { openEndpoint, textAnswer, type AdminEndpoints } from "../../runtime/admin-port/admin-endpoint.ts";

/** Time in which the browser must come, in ms. */
const VALID = 30_000;

/**
 * A path that leads a browser to `link`, a path with a fragment, once and for half a minute. Other users of the machine see with which URL a program
 * is started: so it is not the link with the token.
 */
export function browserTicket(link: string, now: () => number): { path: string; endpoints: AdminEndpoints } {
  const ticket = randomBytes(32).toString("base64url");
  const until = now() + VALID;
  let used = false;
  const endpoint = openEndpoint((_query, _client, segment) => {
    if (segment !== ticket) return textAnswer(404, "not found");
    if (used || now() > until)
      return textAnswer(410, "this address leads on once; open the link that wsproxy debug prints");
    used = true;
    return textAnswer(302, "the debug page", { location: link, "referrer-policy": "no-referrer" });
  });
  return { path: `/open/${ticket}`, endpoints: { "/open/{ticket}": endpoint } };
}
