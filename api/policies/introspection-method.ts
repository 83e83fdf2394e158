import { z } from "zod";
import { objectName, url } from "../names.ts";
import { duration, positiveDuration } from "../quantities.ts";
import { rule } from "../rule.ts";
import { from } from "./credential-place.ts";
import { allowHttp, clientClaim, HTTPS, httpsUnlessAllowed, scopes } from "./method-fields.ts";

const fields = {
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

/** Opaque tokens as users write the method: the issuer is asked about each (RFC 7662). */
export const introspection = rule(
  z.strictObject({
    ...fields,
    credentialsSecretName: objectName.describe(
      'kubernetes.io/basic-auth Secret with the credentials for the endpoint. Needs the label `wsproxy.dev/use: "true"`.',
    ),
  }),
  { cel: "self.allowHttp || self.endpoint.startsWith('https://')", message: HTTPS, field: "endpoint" },
  (it) => httpsUnlessAllowed(it.endpoint, it.allowHttp),
);

/** The same as the data plane gets it. */
export const renderedIntrospection = z.strictObject({
  ...fields,
  credentialsSecretName: objectName.optional(),
  /** Absent: the reference could not be resolved, and every token is refused. */
  credentials: z.strictObject({ username: z.string().max(1024), password: z.string().max(4096) }).optional(),
});
