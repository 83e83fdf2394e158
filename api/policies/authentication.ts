import { z } from "zod";
import { labelValue, textMap } from "../maps.ts";
import { dataKey, objectName, timestamp, url } from "../names.ts";
import { positiveDuration, duration } from "../quantities.ts";
import { CALLED, rule } from "../rule.ts";
import { from } from "./credential-place.ts";
import type { PolicyDefinition } from "./policy.ts";

const client = z.string().min(1).max(256);
const text = (longest: number) => z.string().min(1).max(longest);
/** RFC 6749 §3.3. */
const scope = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, "must be visible characters without space, quote and backslash")
  .meta({ [CALLED]: "scope" });
const scopes = z.array(scope).max(64).default([]);

const clientClaim = (name: string) => client.default(name).describe("Claim that becomes the client id.");

const allowHttp = z
  .boolean()
  .default(false)
  .describe(
    "Permits plain http and loopback addresses. For development only: over plain http an attacker on the network can forge the answer.",
  );

const algorithms = z
  .array(z.enum(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]))
  .min(1)
  .max(10)
  .default(["RS256", "PS256", "ES256", "EdDSA"])
  .describe("Signature algorithms that are accepted; all are asymmetric.");

const jwtFields = {
  issuer: text(2048).describe("The `iss` of the token, compared exactly."),
  audiences: z.array(text(2048)).min(1).max(64).describe("The `aud` of the token must hold one of these."),
  algorithms,
  from: from({ header: "authorization" }, { query: "access_token" }),
  clientClaim: clientClaim("sub"),
  requiredScopes: scopes.describe("The `scope` (space separated) or `scp` of the token must hold all of these."),
  requiredClaims: z
    .array(
      z
        .strictObject({
          name: text(256).describe("Name of the claim."),
          values: z.array(z.string().max(1024)).min(1).max(256).describe("Values that are accepted."),
        })
        .describe("A claim and its values."),
    )
    .max(64)
    .default([])
    .describe("Claims that the token must have. Each must equal one of its values, or be a list that holds one."),
  clockSkew: duration.default("5s").describe("Tolerance for `nbf` and `exp` alike."),
};

const introspectionFields = {
  endpoint: url.describe("The RFC 7662 endpoint."),
  allowHttp,
  from: from({ header: "authorization" }, { query: "access_token" }),
  clientClaim: clientClaim("client_id"),
  requiredScopes: scopes.describe("The `scope` of the answer must hold all of these."),
  cache: duration.default("30s").describe("How long the gateway reuses an answer that says active."),
  recheck: positiveDuration
    .default("30s")
    .describe("How often the gateway asks again about the token of a live session."),
};

const HTTPS = "must begin with https://, or set allowHttp: true";
const httpsUnlessAllowed = (value: string, allowed: boolean): boolean => allowed || value.startsWith("https://");

const jwksFields = {
  uri: url.optional().describe("Where the issuer publishes its keys."),
  allowHttp,
  secretName: objectName.optional().describe("A Secret that holds the key set."),
  configMapName: objectName.optional().describe("A ConfigMap that holds the key set."),
  key: dataKey.optional().describe("The entry in the Secret or ConfigMap. Default jwks.json."),
};

const oneKeySet = rule(
  z.strictObject(jwksFields),
  {
    cel: "[has(self.uri), has(self.secretName), has(self.configMapName)].filter(x, x).size() == 1",
    message: "must name exactly one of uri, secretName and configMapName",
  },
  (it) => [it.uri, it.secretName, it.configMapName].filter((name) => name !== undefined).length === 1,
);
const overHttps = rule(
  oneKeySet,
  { cel: "!has(self.uri) || self.allowHttp || self.uri.startsWith('https://')", message: HTTPS, field: "uri" },
  (it) => it.uri === undefined || httpsUnlessAllowed(it.uri, it.allowHttp),
);
const jwks = rule(
  overHttps,
  {
    cel: "!has(self.uri) || !has(self.key)",
    message: "goes with secretName or configMapName only",
    field: "key",
    reason: "FieldValueForbidden",
  },
  (it) => it.uri === undefined || it.key === undefined,
).describe("The issuer's public keys (RFC 7517); exactly one of uri, secretName and configMapName is set.");

const requirement = rule(
  z.strictObject({
    key: text(317).describe("Key of the label."),
    operator: z
      .enum(["In", "NotIn", "Exists", "DoesNotExist"])
      .describe("How the label relates to the values. NotIn also holds for a Secret without the label."),
    values: z.array(labelValue).max(64).optional().describe("Values, with In and NotIn."),
  }),
  {
    cel: "self.operator.endsWith('In') == (has(self.values) && size(self.values) > 0)",
    message: "In and NotIn need at least one value, Exists and DoesNotExist take none",
    field: "values",
  },
  (it) => it.operator.endsWith("In") === (it.values ?? []).length > 0,
).describe("One requirement.");

const selectorFields = z.strictObject({
  matchLabels: textMap(labelValue).optional().describe("Labels that a Secret must have; every one is needed."),
  matchExpressions: z
    .array(requirement)
    .max(16)
    .optional()
    .describe("Requirements that must hold; every one is needed."),
});

/**
 * Does a selector require a label? One that only excludes would also find Secrets that have nothing to do with API
 * keys.
 */
export function asksForLabel({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean {
  return (
    Object.keys(matchLabels).length > 0 ||
    matchExpressions.some(({ operator }) => operator === "In" || operator === "Exists")
  );
}

const labelSelector = rule(
  selectorFields,
  {
    cel: "(has(self.matchLabels) && size(self.matchLabels) > 0) || (has(self.matchExpressions) && self.matchExpressions.exists(e, e.operator == 'In' || e.operator == 'Exists'))",
    message:
      "must ask for a label, by matchLabels or by In or Exists: else every Secret of the namespace that is not excluded would be a source of API keys",
  },
  asksForLabel,
);

const requireField = z
  .enum(["All", "Any", "None"])
  .default("All")
  .describe("Which of the methods must succeed. None opens the route; then no method may be set.");

type Methods = { require: string; apiKey?: unknown; jwt?: unknown; introspection?: unknown };
const methodCount = (it: Methods): number =>
  [it.apiKey, it.jwt, it.introspection].filter((method) => method !== undefined).length;
const ANY_METHOD = "(has(self.apiKey) || has(self.jwt) || has(self.introspection))";

const introspection = rule(
  z.strictObject({
    ...introspectionFields,
    credentialsSecretName: objectName.describe(
      'kubernetes.io/basic-auth Secret with the credentials for the endpoint. Needs the label `wsproxy.dev/use: "true"`.',
    ),
  }),
  { cel: "self.allowHttp || self.endpoint.startsWith('https://')", message: HTTPS, field: "endpoint" },
  (it) => httpsUnlessAllowed(it.endpoint, it.allowHttp),
);

const methods = z.strictObject({
  require: requireField,
  apiKey: z
    .strictObject({
      from: from({ header: "x-api-key" }, { query: "apikey" }),
      secretSelector: labelSelector.describe(
        "Selects the Secrets that hold API keys: in an entry, the name is the client id and the value is the key. It must require at least one label.",
      ),
    })
    .optional()
    .describe("API keys in Secrets."),
  jwt: z
    .strictObject({ ...jwtFields, jwks })
    .optional()
    .describe("Signed tokens (RFC 7519, RFC 7515)."),
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

/** One API key: its digest, never the key. */
const apiKeyEntry = z.strictObject({
  client,
  /** SHA-256 of the key, base64url without padding. */
  digest: z.string().length(43),
  /** RFC 3339. */
  expiresAt: timestamp.optional(),
  disabled: z.boolean(),
});

/**
 * The references stay beside the values that they resolved to, so that a last good route still follows them. The rules
 * for what users write do not apply here: what an earlier version accepted and rendered must stay readable.
 */
const rendered = z.strictObject({
  require: requireField,
  apiKey: z
    .strictObject({ from: from(), secretSelector: selectorFields.optional(), keys: z.array(apiKeyEntry).max(100_000) })
    .optional(),
  jwt: z
    .strictObject({
      ...jwtFields,
      /** Neither `uri` nor `keys`: the reference could not be resolved, and every token is refused. */
      jwks: z.strictObject({ ...jwksFields, keys: z.array(z.record(z.string(), z.unknown())).max(100).optional() }),
    })
    .optional(),
  introspection: z
    .strictObject({
      ...introspectionFields,
      credentialsSecretName: objectName.optional(),
      /** Absent: the reference could not be resolved, and every token is refused. */
      credentials: z.strictObject({ username: z.string().max(1024), password: z.string().max(4096) }).optional(),
    })
    .optional(),
});

/** How clients prove their identity: checked before the 101, and as long as the session lives. */
export const authentication = { spec, rendered, absent: undefined } satisfies PolicyDefinition;

/** Which Secrets hold API keys: a Kubernetes label selector. */
export type LabelSelector = z.output<typeof selectorFields>;
