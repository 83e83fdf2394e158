import { z } from "zod";
import { duration } from "../quantities.ts";
import { rule } from "../rule.ts";
import { isRecord, record } from "../unchecked.ts";
import { from } from "./credential-place.ts";
import { keySetReference, resolvedKeySet } from "./key-set-reference.ts";
import { clientClaim, scopes, text } from "./method-fields.ts";

/** Each issuer multiplies the cost of the rules of its fields, which the API server bounds. */
const MOST_ISSUERS = 8;

const algorithms = z
  .array(z.enum(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]))
  .min(1)
  .max(10)
  .default(["RS256", "PS256", "ES256", "EdDSA"])
  .describe("Signature algorithms that are accepted; all are asymmetric.");

const requiredClaim = rule(
  z.strictObject({
    name: text(256).optional().describe("Name of the claim, compared exactly: `.`, `/` and `:` are part of it."),
    path: z
      .array(text(256))
      .min(1)
      .max(8)
      .optional()
      .describe("Names from the outermost to the claim, for a claim in an object: `[realm_access, roles]`."),
    values: z.array(z.string().max(1024)).min(1).max(256).describe("Values that are accepted."),
  }),
  { cel: "has(self.name) != has(self.path)", message: "must name the claim by exactly one of name and path" },
  (it) => (it.name === undefined) !== (it.path === undefined),
).describe("A claim and its values; exactly one of name and path is set.");

const fields = {
  issuer: text(2048).describe("The `iss` of the token, compared exactly."),
  audiences: z
    .array(text(2048))
    .max(64)
    .describe(
      "The `aud` of the token must hold one of these. `[]`, for an issuer that writes no `aud`: it is not looked at, and `requiredClaims` must tell the tokens for this route from others.",
    ),
  algorithms,
  from: from({ header: "authorization" }, { query: "access_token" }),
  clientClaim: clientClaim("sub"),
  requiredScopes: scopes.describe("The `scope` (space separated) or `scp` of the token must hold all of these."),
  requiredClaims: z
    .array(requiredClaim)
    .max(64)
    .default([])
    .describe("Claims that the token must have. Each must equal one of its values, or be a list that holds one."),
  clockSkew: duration.default("5s").describe("Tolerance for `nbf` and `exp` alike."),
};

/** Without either, a token that the issuer made for any other service would be good here. */
function isForThisRoute<T extends z.ZodType<{ audiences: unknown[]; requiredClaims: unknown[] }>>(entry: T): T {
  return rule(
    entry,
    {
      cel: "size(self.audiences) > 0 || size(self.requiredClaims) > 0",
      message:
        "must not be empty; [] goes only with requiredClaims, which must then say that the token is for this service",
      field: "audiences",
      readable: (it) => ["audiences", "requiredClaims"].every((name) => Array.isArray(record(it)[name])),
    },
    (it) => it.audiences.length > 0 || it.requiredClaims.length > 0,
  );
}

function isKeyedByIssuer(entries: readonly { readonly issuer: string }[]): boolean {
  return new Set(entries.map(({ issuer }) => issuer)).size === entries.length;
}

const ONCE = "each `issuer` may stand here once";

/** Signed tokens (RFC 7519, RFC 7515) as users write the method: one entry for each issuer. */
export const jwt = z
  .array(isForThisRoute(z.strictObject({ ...fields, jwks: keySetReference })).describe("One issuer."), {
    error: ({ code, input }) =>
      code === "invalid_type" && isRecord(input)
        ? "is a list now, one entry for each issuer: write jwt: [{ issuer: …, … }], or put `- ` before the first member and indent the others"
        : undefined,
  })
  .min(1)
  .max(MOST_ISSUERS)
  .refine(isKeyedByIssuer, ONCE)
  .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["issuer"] });

/** The same as the data plane gets it. The version before wrote the only issuer without a list. */
export const renderedJwt = z.preprocess(
  (value) => (isRecord(value) ? [value] : value),
  z
    .array(isForThisRoute(z.strictObject({ ...fields, jwks: resolvedKeySet })))
    .min(1)
    .max(MOST_ISSUERS)
    .refine(isKeyedByIssuer, ONCE),
);
