import { RESERVED_HEADERS } from "../../api/policies/forwarding.ts";
import { specWith, type Sample } from "./proxy.ts";

/** Values that keep one rule of `api/`, and values that break it. */
interface RuleSamples {
  /** In the words of the rule; empty where the API server has words of its own. */
  readonly rule: string;
  /** The field that the rule blames. */
  readonly at: string;
  /** The spec with a value in its place. */
  readonly spec: (value: unknown) => object;
  readonly good: readonly unknown[];
  readonly bad: readonly unknown[];
}

const path = (value: unknown): object => specWith({ route: { path: { value } } });
const rewrite = (value: unknown): object => specWith({ route: { rewrite: { path: value } } });
const selector = { matchLabels: { keys: "chat" } };
const authentication = (value: object): object => specWith({ policies: { authentication: value } });
const place = (value: unknown): object =>
  authentication({ apiKey: { from: [{ query: "key" }, value], secretSelector: selector } });
const keysFrom = (secretSelector: unknown): object => authentication({ apiKey: { secretSelector } });
const requirement = (value: unknown): object => keysFrom({ matchExpressions: [value] });
const jwks = (value: unknown): object =>
  authentication({ jwt: { issuer: "https://idp", audiences: ["chat"], jwks: value } });
const endpoint = (value: unknown): object =>
  authentication({ introspection: { credentialsSecretName: "login", ...(value as object) } });
const forwarding = (value: object): object => specWith({ policies: { forwarding: value } });
const whole = (more: unknown): object => specWith({ spec: more as object });
const long = "k".repeat(318);

const KEYS = "must have keys of at most 317 characters";
const RESERVED = "must not be a header that the gateway itself writes; choose another";
const HTTPS = "must begin with https://, or set allowHttp: true";
const POSITIVE = "must be longer than 0s";

const methods = {
  apiKey: { secretSelector: selector },
  jwt: { issuer: "https://idp", audiences: ["chat"], jwks: { secretName: "keys" } },
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
    bad: ["/.", "/a/../b", "/a/..", "/%2E%2e/x", "/.%2e", "/a/.;x=1/b", "/a/..;"],
  },
  {
    rule: "must not hold . or .. segments",
    at: "spec.routes[0].rewrite.path",
    spec: rewrite,
    good: ["/ws"],
    bad: ["/../admin", "/ws/."],
  },
  {
    rule: "must not hold an encoded /, \\, % or control character",
    at: "spec.routes[0].path.value",
    spec: path,
    good: ["/%20", "/%c3%A4", "/a%3Db"],
    bad: ["/%2f", "/a%2Fb", "/%5C", "/%25", "/%00", "/%1f", "/%7F", "/%", "/a%2", "/%zz", "/%a", "/%2g", "/%a/b"],
  },
  {
    rule: "",
    at: "spec.listener.trustedProxies[0]",
    spec: (address) => whole({ listener: { trustedProxies: [address] } }),
    good: [
      ...["10.0.0.0/8", "0.0.0.0/0", "192.168.0.1", "255.255.255.255/32", "10.0.0.1/8", "::", "::/0", "::1", "1::"],
      ...["2001:db8::/32", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1::3:4:5:6:7:8", "FE80::1/128"],
      ...["::ffff:10.0.0.1", "::ffff:10.0.0.0/104", "64:ff9b::1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "::1.2.3.4"],
    ],
    bad: [
      ...[
        "",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/",
        "10.0.0.0/08",
        "10.0.0",
        "10.0.0.256",
        "10.0.0.01",
        "10.0.0.0.0",
      ],
      ...[
        "2001:db8::/129",
        "::/00",
        "1::2::3",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "12345::",
        "g::",
        ":",
        ":::",
        "1:",
      ],
      ...[
        "fe80::1%eth0",
        "::ffff:10.0.0",
        "::1.2.3.256",
        "1:2:3:4:5:6:7:1.2.3.4",
        "[::1]",
        "example.com",
        " ::1",
        "1.2.3.4\n",
      ],
      ...["1.2.3.4:80", "1.2.3.4-1.2.3.9", "0x10.0.0.1", "::/8/8"],
    ],
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
    rule: "",
    at: "spec.policies.bytes.fromClient[0].limit",
    spec: (limit) => specWith({ policies: { bytes: { fromClient: [{ per: "Client", limit, interval: "1s" }] } } }),
    good: [1, "1", "64Ki", "0.5Mi", "1.5k", "999Ti", "999999999999999", 999_999_999_999_999, "0.000001", "10G"],
    bad: ["0", "0Ki", "0.0", 0, -1, 1.5, "-1", "1000Ti", "1e3", "1 Ki", "1kb", "1K", "Ki", ".5", "1.", "007", "", "1m"],
  },
  {
    rule: "",
    at: "spec.policies.messageSize.fromClient",
    spec: (fromClient) => specWith({ policies: { messageSize: { fromClient } } }),
    good: [0, "0", "0Ki", "0.0", "1Mi", 5],
    bad: ["00", "1P", "9999999999999999", 10 ** 15],
  },
  {
    rule: "",
    at: "spec.policies.origins.allow[0]",
    spec: (origin) => specWith({ policies: { origins: { allow: [origin] } } }),
    good: ["null", "https://app.example.com", "http://localhost:3000", "https://*.example.com"],
    bad: [
      "*",
      "https://*",
      "https://a.example.com/",
      "HTTPS://a",
      "wss://a",
      "https://a b",
      "javascript:alert(1)",
      "nulls",
    ],
  },
  {
    rule: "",
    at: "spec.routes[0].backends[0].port",
    spec: (port) => specWith({ route: { backends: [{ service: "echo", port }] } }),
    good: [1, 65_535, "ws", "80"],
    bad: [0, 65_536, "", "WS", "a.b", 1.5, "a".repeat(64)],
  },
  {
    rule: "",
    at: "spec.policies.authentication.introspection.endpoint",
    spec: (value) => endpoint({ endpoint: value }),
    good: ["https://idp.example.com", "https://idp:8443/a?b=c", "https://[::1]/x"],
    bad: [
      "ftp://idp",
      "https://user:pw@idp",
      "https://idp/#a",
      "https://idp/ a",
      "https://idp/ä",
      "https://idp/\u00a0",
      "//idp",
    ],
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
    good: [{}, { [long.slice(1)]: "" }],
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
    bad: [{}, { header: "x-key", query: "key" }, { header: "a", query: "b", cookie: "c", subprotocol: "d" }],
  },
  {
    rule: "must name exactly one of uri, secretName and configMapName",
    at: "spec.policies.authentication.jwt.jwks",
    spec: jwks,
    good: [{ uri: "https://idp/keys" }, { secretName: "keys" }, { configMapName: "keys", key: "k" }],
    bad: [{}, { secretName: "a", configMapName: "b" }, { uri: "https://idp/keys", secretName: "a" }, { key: "k" }],
  },
  {
    rule: HTTPS,
    at: "spec.policies.authentication.jwt.jwks.uri",
    spec: jwks,
    good: [{ uri: "http://localhost/keys", allowHttp: true }],
    bad: [{ uri: "http://idp/keys" }, { uri: "http://idp/keys", allowHttp: false }],
  },
  {
    rule: "goes with secretName or configMapName only",
    at: "spec.policies.authentication.jwt.jwks.key",
    spec: jwks,
    good: [{ secretName: "keys", key: "k.json" }],
    bad: [
      { uri: "https://idp/keys", key: "k" },
      { uri: "http://idp/keys", allowHttp: true, key: "k" },
    ],
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
    rule: "must select something: an empty selector would make every Secret of the namespace a source of API keys",
    at: "spec.policies.authentication.apiKey.secretSelector",
    spec: keysFrom,
    good: [selector, { matchExpressions: [{ key: "a", operator: "Exists" }], matchLabels: {} }],
    bad: [{}, { matchLabels: {} }, { matchExpressions: [] }, { matchLabels: {}, matchExpressions: [] }],
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
    rule: RESERVED,
    at: "spec.policies.forwarding.headers.set[0].name",
    spec: (name) => forwarding({ headers: { set: [{ name, value: "1" }] } }),
    good: ["x-env", "origin"],
    bad: ["Host", "content-length"],
  },
];

/** Every rule with what keeps and what breaks it. */
export const ruleSamples: readonly Sample[] = sets.flatMap(({ rule, at, spec, good, bad }) => [
  ...good.map((value) => ({ name: `${at} may be ${shown(value)}`, spec: spec(value) })),
  ...bad.map((value) => ({
    name: `${at} cannot be ${shown(value)}: ${rule}`,
    spec: spec(value),
    at,
    ...(rule === "" ? {} : { message: rule }),
  })),
]);

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 90 ? `${text.slice(0, 90)}…` : text;
}
