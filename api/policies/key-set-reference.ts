import { z } from "zod";
import { dataKey, objectName, url } from "../names.ts";
import { rule } from "../rule.ts";
import { allowHttp, HTTPS, httpsUnlessAllowed } from "./method-fields.ts";

const fields = {
  uri: url.optional().describe("Where the issuer publishes its keys."),
  allowHttp,
  secretName: objectName.optional().describe("A Secret that holds the key set."),
  configMapName: objectName.optional().describe("A ConfigMap that holds the key set."),
  key: dataKey.optional().describe("The entry in the Secret or ConfigMap. Default jwks.json."),
};

const oneKeySet = rule(
  z.strictObject(fields),
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

/** Where an issuer's public keys are, as users write it. */
export const keySetReference = rule(
  overHttps,
  {
    cel: "!has(self.uri) || !has(self.key)",
    message: "goes with secretName or configMapName only",
    field: "key",
    reason: "FieldValueForbidden",
  },
  (it) => it.uri === undefined || it.key === undefined,
).describe("The issuer's public keys (RFC 7517); exactly one of uri, secretName and configMapName is set.");

/** The same with the keys that were found. Neither `uri` nor `keys`: it could not be resolved, and every token is refused. */
export const resolvedKeySet = z.strictObject({
  ...fields,
  keys: z.array(z.record(z.string(), z.unknown())).max(100).optional(),
});
