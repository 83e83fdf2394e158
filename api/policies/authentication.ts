import { z } from "zod";
import { dataKey, objectName, timestamp, token, url } from "../names.ts";
import { positiveDuration, duration } from "../quantities.ts";
import { freeHeader } from "./forwarding.ts";
import type { Policy } from "./policy.ts";

const place = z
  .strictObject({
    header: freeHeader.optional().describe("A header. In `authorization` the form is `Bearer <token>`."),
    query: token.optional().describe("A query parameter."),
    cookie: token.optional().describe("A cookie."),
    subprotocol: token
      .optional()
      .describe("A subprotocol `<this>.<base64url of the credential>`, offered beside the client's own."),
  })
  .refine((it) => Object.values(it).filter((name) => name !== undefined).length === 1, {
    message: "must name exactly one of header, query, cookie and subprotocol",
  });

const from = (...places: z.input<typeof place>[]) =>
  z.array(place).min(1).max(8).default(places).describe("Where the credential may stand.");

const client = z.string().min(1).max(256);
/** RFC 6749 §3.3. */
const scope = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, "must be visible characters without space, quote and backslash");
const scopes = z.array(scope).max(64).default([]);

const clientClaim = (name: string) => client.default(name).describe("Claim that becomes the client id.");

const allowHttp = z
  .boolean()
  .default(false)
  .describe(
    "Permit plain http and loopback addresses: for development, since anybody on the way can forge the answer.",
  );

const algorithms = z
  .array(z.enum(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]))
  .min(1)
  .default(["RS256", "PS256", "ES256", "EdDSA"])
  .describe("Signature algorithms that are accepted; asymmetric ones only.");

const jwtFields = {
  issuer: z.string().min(1).max(2048).describe("`iss` of the token, compared exactly."),
  audiences: z.array(z.string().min(1).max(2048)).min(1).max(64).describe("One of these must stand in `aud`."),
  algorithms,
  from: from({ header: "authorization" }, { query: "access_token" }),
  clientClaim: clientClaim("sub"),
  requiredScopes: scopes.describe("All of these must stand in `scope` (space separated) or `scp`."),
  requiredClaims: z
    .array(z.strictObject({ name: z.string().min(1).max(256), values: z.array(z.string().max(1024)).min(1).max(256) }))
    .max(64)
    .default([])
    .describe("Each claim must have (or, being a list, hold) one of its values."),
  clockSkew: duration.default("5s").describe("Tolerance for `nbf` and `exp` alike."),
};

const introspectionFields = {
  endpoint: url.describe("The RFC 7662 endpoint."),
  allowHttp,
  from: from({ header: "authorization" }, { query: "access_token" }),
  clientClaim: clientClaim("client_id"),
  requiredScopes: scopes.describe("All of these must stand in the answer's `scope`."),
  cache: duration.default("30s").describe("How long an active answer may be reused."),
  recheck: positiveDuration.default("30s").describe("How often a live session's token is asked about again."),
};

const httpsUnlessAllowed = (value: string, allowed: boolean): boolean => allowed || value.startsWith("https://");

const jwksFields = {
  uri: url.optional().describe("Where the issuer publishes its keys."),
  allowHttp,
  secretName: objectName.optional().describe("A Secret that holds the key set."),
  configMapName: objectName.optional().describe("A ConfigMap that holds the key set."),
  key: dataKey.optional().describe("The entry in the Secret or ConfigMap. Default jwks.json."),
};

const jwks = z
  .strictObject(jwksFields)
  .refine((it) => [it.uri, it.secretName, it.configMapName].filter((name) => name !== undefined).length === 1, {
    message: "must name exactly one of uri, secretName and configMapName",
  })
  .refine((it) => it.uri === undefined || httpsUnlessAllowed(it.uri, it.allowHttp), {
    path: ["uri"],
    message: "must begin with https://, or set allowHttp: true",
  })
  .refine((it) => it.uri === undefined || it.key === undefined, {
    path: ["key"],
    message: "goes with secretName or configMapName only",
  });

const labelSelector = z
  .strictObject({
    matchLabels: z.record(z.string().min(1).max(317), z.string().max(63)).optional(),
    matchExpressions: z
      .array(
        z
          .strictObject({
            key: z.string().min(1).max(317),
            operator: z.enum(["In", "NotIn", "Exists", "DoesNotExist"]),
            values: z.array(z.string().max(63)).max(64).optional(),
          })
          .refine((it) => it.operator.endsWith("In") === (it.values ?? []).length > 0, {
            path: ["values"],
            message: "In and NotIn need at least one value, Exists and DoesNotExist take none",
          }),
      )
      .max(16)
      .optional(),
  })
  .refine((it) => Object.keys(it.matchLabels ?? {}).length + (it.matchExpressions ?? []).length > 0, {
    message: "must select something: an empty selector would make every Secret of the namespace a source of API keys",
  });

const requireField = z
  .enum(["All", "Any", "None"])
  .default("All")
  .describe("Which of the methods must succeed. None opens the route; no method may stand beside it.");

type Methods = { require: string; apiKey?: unknown; jwt?: unknown; introspection?: unknown };
const methodCount = (it: Methods): number =>
  [it.apiKey, it.jwt, it.introspection].filter((method) => method !== undefined).length;

const spec = z
  .strictObject({
    require: requireField,
    apiKey: z
      .strictObject({
        from: from({ header: "x-api-key" }, { query: "apikey" }),
        secretSelector: labelSelector.describe(
          "Selects the Secrets whose entries are API keys: entry name = client id.",
        ),
      })
      .optional()
      .describe("API keys held in Secrets."),
    jwt: z
      .strictObject({ ...jwtFields, jwks })
      .optional()
      .describe("Signed tokens (RFC 7519, RFC 7515)."),
    introspection: z
      .strictObject({
        ...introspectionFields,
        credentialsSecretName: objectName.describe("kubernetes.io/basic-auth Secret with which the endpoint is asked."),
      })
      .refine((it) => httpsUnlessAllowed(it.endpoint, it.allowHttp), {
        path: ["endpoint"],
        message: "must begin with https://, or set allowHttp: true",
      })
      .optional()
      .describe("Opaque tokens, asked about at the issuer (RFC 7662)."),
  })
  .refine((it) => it.require !== "None" || methodCount(it) === 0, {
    path: ["require"],
    message: "None opens the route: remove the methods beside it, or write All or Any",
  })
  .refine((it) => it.require === "None" || methodCount(it) > 0, {
    message: "name at least one of apiKey, jwt and introspection, or write require: None to open the route",
  });

/** One API key: the digest only, never the key. */
const apiKeyEntry = z.strictObject({
  client,
  /** SHA-256 of the key, base64url without padding. */
  digest: z.string().length(43),
  /** RFC 3339. */
  expiresAt: timestamp.optional(),
  disabled: z.boolean(),
});

/** The references stay beside what they resolved to: so a route that is kept in force still follows them. */
const rendered = z.strictObject({
  require: requireField,
  apiKey: z
    .strictObject({ from: from(), secretSelector: labelSelector.optional(), keys: z.array(apiKeyEntry).max(100_000) })
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

/** Who may connect, proven before the 101 and as long as the session lives. */
export const authentication = { spec, rendered, absent: undefined } satisfies Policy;

/** Where a credential may stand; exactly one field is set. */
export type CredentialPlace = z.output<typeof place>;

/** Which Secrets hold API keys; as Kubernetes selects by labels. */
export type LabelSelector = z.output<typeof labelSelector>;
