import { specWith, type RuleSamples } from "./proxy.ts";

const selector = { matchLabels: { keys: "chat" } };
const authentication = (value: object): object => specWith({ policies: { authentication: value } });
const place = (value: unknown): object =>
  authentication({ apiKey: { from: [{ query: "key" }, value], secretSelector: selector } });
const keysFrom = (secretSelector: unknown): object => authentication({ apiKey: { secretSelector } });
const requirement = (value: unknown): object => keysFrom({ ...selector, matchExpressions: [value] });
const without = { key: "a", operator: "DoesNotExist" };
const jwks = (value: unknown): object =>
  authentication({ jwt: [{ issuer: "https://idp", audiences: ["chat"], jwks: value }] });
const issuer = (value: unknown): object =>
  authentication({
    jwt: [{ issuer: "https://idp", audiences: [], jwks: { secretName: "keys" }, ...(value as object) }],
  });
const tenant = { name: "tenant", values: ["acme"] };
const endpoint = (value: unknown): object =>
  authentication({ introspection: { credentialsSecretName: "login", ...(value as object) } });
const HTTPS = "must begin with https://, or set allowHttp: true";

const methods = {
  apiKey: { secretSelector: selector },
  jwt: [{ issuer: "https://idp", audiences: ["chat"], jwks: { secretName: "keys" } }],
  introspection: { endpoint: "https://idp/introspect", credentialsSecretName: "login" },
};

/** The rules of `authentication`, each with what keeps and what breaks it. */
export const authenticationRules: readonly RuleSamples[] = [
  {
    rule: "must name exactly one of header, query, cookie and subprotocol",
    at: "spec.policies.authentication.apiKey.from[1]",
    spec: place,
    good: [{ header: "x-key" }, { query: "key" }, { cookie: "key" }, { subprotocol: "key" }],
    bad: [
      {},
      { header: "x-key", query: "key" },
      { header: "a", query: "b", cookie: "c", subprotocol: "d" },
      { cookie: "key", subprotocol: "key", encoding: "Raw" },
    ],
  },
  {
    rule: "goes with subprotocol only: a credential in another place stands there as it is",
    at: "spec.policies.authentication.apiKey.from[1].encoding",
    spec: place,
    good: [
      { subprotocol: "key", encoding: "Raw" },
      { subprotocol: "key", encoding: "Base64Url" },
    ],
    bad: [
      { header: "x-key", encoding: "Raw" },
      { query: "key", encoding: "Base64Url" },
      { cookie: "key", encoding: "Raw" },
    ],
  },
  {
    rule: "must name exactly one of uri, secretName and configMapName",
    at: "spec.policies.authentication.jwt[0].jwks",
    spec: jwks,
    good: [{ uri: "https://idp/keys" }, { secretName: "keys" }, { configMapName: "keys", key: "k" }],
    bad: [{}, { secretName: "a", configMapName: "b" }, { uri: "https://idp/keys", secretName: "a" }, { key: "k" }],
  },
  {
    rule: HTTPS,
    at: "spec.policies.authentication.jwt[0].jwks.uri",
    spec: jwks,
    good: [{ uri: "http://localhost/keys", allowHttp: true }],
    bad: [{ uri: "http://idp/keys" }, { uri: "http://idp/keys", allowHttp: false }],
  },
  {
    rule: "goes with secretName or configMapName only",
    at: "spec.policies.authentication.jwt[0].jwks.key",
    spec: jwks,
    good: [{ secretName: "keys", key: "k.json" }],
    bad: [
      { uri: "https://idp/keys", key: "k" },
      { uri: "http://idp/keys", allowHttp: true, key: "k" },
    ],
  },
  {
    rule: "must not be empty; [] goes only with requiredClaims, which must then say that the token is for this service",
    at: "spec.policies.authentication.jwt[0].audiences",
    spec: issuer,
    good: [{ audiences: ["chat"] }, { audiences: ["chat"], requiredClaims: [tenant] }, { requiredClaims: [tenant] }],
    bad: [{}, { requiredClaims: [] }, { requiredScopes: ["chat"] }],
  },
  {
    rule: "must name the claim by exactly one of name and path",
    at: "spec.policies.authentication.jwt[0].requiredClaims[1]",
    spec: (claim) => issuer({ requiredClaims: [tenant, claim] }),
    good: [
      { name: "https://example.com/roles", values: ["chat"] },
      { path: ["realm_access", "roles"], values: ["chat"] },
    ],
    bad: [{ values: ["chat"] }, { ...tenant, path: ["tenant"] }, { ...tenant, path: ["realm_access", "roles"] }],
  },
  {
    rule: HTTPS,
    at: "spec.policies.authentication.introspection.endpoint",
    spec: endpoint,
    good: [{ endpoint: "https://idp/introspect" }, { endpoint: "http://idp/introspect", allowHttp: true }],
    bad: [{ endpoint: "http://idp/introspect" }, { endpoint: "http://idp", allowHttp: false }],
  },
  {
    rule: "In and NotIn need at least one value, Exists and DoesNotExist take none",
    at: "spec.policies.authentication.apiKey.secretSelector.matchExpressions[0].values",
    spec: requirement,
    good: [
      { key: "a", operator: "In", values: ["1"] },
      { key: "a", operator: "NotIn", values: ["1", ""] },
      { key: "a", operator: "Exists" },
      { key: "a", operator: "DoesNotExist", values: [] },
    ],
    bad: [
      { key: "a", operator: "In" },
      { key: "a", operator: "NotIn", values: [] },
      { key: "a", operator: "Exists", values: ["1"] },
      { key: "a", operator: "DoesNotExist", values: ["1"] },
    ],
  },
  {
    rule: "must ask for a label, by matchLabels or by In or Exists: else every Secret of the namespace that is not excluded would be a source of API keys",
    at: "spec.policies.authentication.apiKey.secretSelector",
    spec: keysFrom,
    good: [
      selector,
      { matchExpressions: [{ key: "a", operator: "Exists" }], matchLabels: {} },
      { matchExpressions: [without, { key: "a", operator: "In", values: [""] }] },
      { matchLabels: { a: "" }, matchExpressions: [without] },
    ],
    bad: [
      {},
      { matchLabels: {} },
      { matchExpressions: [] },
      { matchLabels: {}, matchExpressions: [] },
      { matchExpressions: [without] },
      { matchLabels: {}, matchExpressions: [without, { key: "a", operator: "NotIn", values: ["1"] }] },
    ],
  },
  {
    rule: "None opens the route: remove the methods beside it, or write All or Any",
    at: "spec.policies.authentication.require",
    spec: (value) => authentication(value as object),
    good: [{ require: "None" }],
    bad: Object.entries(methods).map(([name, method]) => ({ require: "None", [name]: method })),
  },
  {
    rule: "name at least one of apiKey, jwt and introspection, or write require: None to open the route",
    at: "spec.policies.authentication",
    spec: (value) => authentication(value as object),
    good: [methods, ...Object.entries(methods).map(([name, method]) => ({ require: "Any", [name]: method }))],
    bad: [{}, { require: "All" }, { require: "Any" }],
  },
];
