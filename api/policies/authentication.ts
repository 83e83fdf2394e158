import { z } from "zod";
import { rule } from "../rule.ts";
import { apiKey, renderedApiKey } from "./api-key-method.ts";
import type { CredentialPlace } from "./credential-place.ts";
import { introspection, renderedIntrospection } from "./introspection-method.ts";
import { jwt, renderedJwt } from "./jwt-method.ts";
import type { PolicyDefinition } from "./policy.ts";

const requireField = z
  .enum(["All", "Any", "None"])
  .default("All")
  .describe("Which of the methods must succeed. None opens the route; then no method may be set.");

type Methods = { require: string; apiKey?: unknown; jwt?: unknown; introspection?: unknown };
const methodCount = (it: Methods): number =>
  [it.apiKey, it.jwt, it.introspection].filter((method) => method !== undefined).length;
const ANY_METHOD = "(has(self.apiKey) || has(self.jwt) || has(self.introspection))";

const methods = z.strictObject({
  require: requireField,
  apiKey: apiKey.optional().describe("API keys in Secrets."),
  jwt: jwt
    .optional()
    .describe(
      "Signed tokens (RFC 7519, RFC 7515): one entry for each issuer. The `iss` of a token picks the entry, and that entry alone decides.",
    ),
  introspection: introspection.optional().describe("Opaque tokens: the gateway asks the issuer about them (RFC 7662)."),
});
const noneStandsAlone = rule(
  methods,
  {
    cel: `self.require != 'None' || !${ANY_METHOD}`,
    message: "None opens the route: remove the methods beside it, or write All or Any",
    field: "require",
  },
  (it) => it.require !== "None" || methodCount(it) === 0,
);
const spec = rule(
  noneStandsAlone,
  {
    cel: `self.require == 'None' || ${ANY_METHOD}`,
    message: "name at least one of apiKey, jwt and introspection, or write require: None to open the route",
  },
  (it) => it.require === "None" || methodCount(it) > 0,
).describe(
  "How clients prove their identity. Checked before the gateway answers the handshake, and as long as the session lives.",
);

/**
 * The references stay beside the values that they resolved to, so that a last good route still follows them. The rules
 * for what users write do not apply here: what an earlier version accepted and rendered must stay readable.
 */
const rendered = z.strictObject({
  require: requireField,
  apiKey: renderedApiKey.optional(),
  jwt: renderedJwt.optional(),
  introspection: renderedIntrospection.optional(),
});

/** How clients prove their identity: checked before the 101, and as long as the session lives. */
export const authentication = { spec, rendered, absent: undefined } satisfies PolicyDefinition;

interface WithPlaces {
  readonly from: readonly CredentialPlace[];
}

/** Every place in which a credential of any method, and of any issuer, may stand. */
export function placesOf(
  settings:
    | {
        readonly apiKey?: WithPlaces | undefined;
        readonly jwt?: readonly WithPlaces[] | undefined;
        readonly introspection?: WithPlaces | undefined;
      }
    | undefined,
): CredentialPlace[] {
  const { apiKey: keys, jwt: issuers = [], introspection: opaque } = settings ?? {};
  return [keys, ...issuers, opaque].flatMap((method) => method?.from ?? []);
}
