import { HANDSHAKE_HEADERS, RESERVED_HEADERS } from "../../api/policies/header-names.ts";
import { samplesOf, specWith, type Sample, type ValueSamples } from "./proxy.ts";

/** Values that keep one rule of `api/`, and values that break it. */
interface RuleSamples extends ValueSamples {
  /** In the words of the rule. */
  readonly rule: string;
}

const path = (value: unknown): object => specWith({ route: { path: { value } } });
const rewrite = (value: unknown): object => specWith({ route: { rewrite: { path: value } } });
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
const forwarding = (value: object): object => specWith({ policies: { forwarding: value } });
const whole = (more: unknown): object => specWith({ spec: more as object });
const k = (count: number): string => "k".repeat(count);
/** The longest key that Kubernetes takes: a DNS name of 253 characters, a slash and a name of 63. */
const longest = `${[62, 63, 63, 62].map(k).join(".")}/${k(63)}`;
const long = `k${longest}`;

const KEYS = "must have keys of at most 317 characters";
const FIXED =
  "must not be a header of the handshake or the connection, which the gateway itself writes; leave it out (for Host there is rewrite.hostname)";
const RESERVED = "must not be a header that the gateway itself writes; choose another";
const HTTPS = "must begin with https://, or set allowHttp: true";
const POSITIVE = "must be longer than 0s";

const methods = {
  apiKey: { secretSelector: selector },
  jwt: [{ issuer: "https://idp", audiences: ["chat"], jwks: { secretName: "keys" } }],
  introspection: { endpoint: "https://idp/introspect", credentialsSecretName: "login" },
};

const sets: readonly RuleSamples[] = [
  {
    rule: "must not hold //",
    at: "spec.routes[0].path.value",
    spec: path,
    good: ["/", "/a/b/", "/a:b"],
    bad: ["//", "/a//b", "/a//"],
  },
  {
    rule: "must not hold . or .. segments",
    at: "spec.routes[0].path.value",
    spec: path,
    good: ["/...", "/.well-known", "/a.", "/..a/b", "/;.", "/%2ea"],
    bad: ["/.", "/a/../b", "/a/..", "/%2E%2e/x", "/.%2e", "/a/.;x=1/b", "/a/..;", "/a/..%3bx", "/.%3B"],
  },
  {
    rule: "must not hold . or .. segments",
    at: "spec.routes[0].rewrite.path",
    spec: rewrite,
    good: ["/ws"],
    bad: ["/../admin", "/ws/."],
  },
  {
    rule: "must have path or hostname, or both",
    at: "spec.routes[0].rewrite",
    spec: (value) => specWith({ route: { rewrite: value } }),
    good: [{ path: "/ws" }, { hostname: "echo.internal" }, { path: "/", hostname: "echo" }],
    bad: [{}],
  },
  {
    rule: "must have path or hostname, or both",
    at: "spec.routes[0].rewrite",
    spec: (value) => specWith({ route: { path: { type: "Exact", value: "/chat" }, rewrite: value } }),
    good: [{ path: "/ws" }, { hostname: "echo.internal" }],
    bad: [{}],
  },
  {
    rule: "must not hold an encoded /, \\, % or control character",
    at: "spec.routes[0].path.value",
    spec: path,
    good: ["/%20", "/%c3%A4", "/a%3Db", "/%C2%A0"],
    bad: ["/%2f", "/a%2Fb", "/%5C", "/%25", "/%00", "/%1f", "/%7F", "/%c2%85", "/%C2%9F"],
  },
  {
    rule: POSITIVE,
    at: "spec.dataplane.drain.period",
    spec: (period) => whole({ dataplane: { drain: { period } } }),
    good: ["1ms", "0.5s", "0h0m1s", "0.000000001ms", "999999999h"],
    bad: ["0", "0s", "0h0m0.000s", "0.0ms"],
  },
  {
    rule: POSITIVE,
    at: "spec.policies.messages.fromClient[0].interval",
    spec: (interval) => specWith({ policies: { messages: { fromClient: [{ per: "Client", limit: 1, interval }] } } }),
    good: ["1s"],
    bad: ["0s", "0m"],
  },
  {
    rule: "goes with mode Sidecar only; remove it, or write mode: Sidecar",
    at: "spec.sidecar",
    spec: whole,
    good: [{ mode: "Sidecar", sidecar: { selector } }],
    bad: [{ sidecar: { selector } }, { mode: "Gateway", sidecar: { selector } }],
  },
  {
    rule: "goes with mode Gateway only; remove it, or write mode: Gateway",
    at: "spec.gateway",
    spec: whole,
    good: [{ gateway: {} }, { mode: "Gateway", gateway: { replicas: 1 } }],
    bad: [
      { mode: "Sidecar", sidecar: { selector }, gateway: {} },
      { mode: "Sidecar", sidecar: { selector }, gateway: { replicas: 3 } },
    ],
  },
  {
    rule: "is required with mode Sidecar: name the pods with selector.matchLabels",
    at: "spec.sidecar",
    spec: whole,
    good: [{}, { mode: "Sidecar", sidecar: { selector } }],
    bad: [{ mode: "Sidecar" }, { mode: "Sidecar", listener: { port: 8081 } }],
  },
  {
    rule: "must select something",
    at: "spec.sidecar.selector.matchLabels",
    spec: (more) => whole({ mode: "Sidecar", ...(more as object) }),
    good: [{ sidecar: { selector } }],
    bad: [{ sidecar: { selector: { matchLabels: {} } } }, { sidecar: { selector: { matchLabels: {} } }, listener: {} }],
  },
  {
    rule: KEYS,
    at: "spec.gateway.pod.labels",
    spec: (labels) => whole({ gateway: { pod: { labels } } }),
    good: [{}, { [longest]: "" }],
    bad: [{ [long]: "" }, { a: "1", [long]: "2" }],
  },
  {
    rule: KEYS,
    at: "spec.policies.authentication.apiKey.secretSelector.matchLabels",
    spec: (matchLabels) => keysFrom({ matchLabels }),
    good: [{ a: "" }],
    bad: [{ [long]: "" }],
  },
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
  {
    rule: RESERVED,
    at: "spec.policies.forwarding.clientHeader",
    spec: (clientHeader) => forwarding({ clientHeader }),
    good: ["x-user", "X-Client", "hostx"],
    bad: [...RESERVED_HEADERS, "HOST", "Sec-WebSocket-Key", "X-Forwarded-For"],
  },
  {
    rule: RESERVED,
    at: "spec.policies.forwarding.claimHeaders[0].header",
    spec: (header) => forwarding({ claimHeaders: [{ claim: "tenant", header }] }),
    good: ["x-tenant"],
    bad: ["upgrade", "Connection"],
  },
  {
    rule: FIXED,
    at: "spec.policies.forwarding.headers.set[0].name",
    spec: (name) => forwarding({ headers: { set: [{ name, value: "1" }] } }),
    good: ["x-env", "origin", "X-Forwarded-Port", "x-forwarded-for", "X-Request-Id"],
    bad: [...HANDSHAKE_HEADERS, "Host", "Content-Length"],
  },
  {
    rule: RESERVED,
    at: "spec.policies.authentication.apiKey.from[0].header",
    spec: (header) => specWith({ policies: { authentication: { apiKey: { ...methods.apiKey, from: [{ header }] } } } }),
    good: ["x-api-key", "authorization", "cookie"],
    bad: ["x-request-id", "X-Forwarded-For"],
  },
];

/** Every rule with what keeps and what breaks it. */
export const ruleSamples: readonly Sample[] = sets.flatMap(({ rule, ...values }) => samplesOf(values, rule));
