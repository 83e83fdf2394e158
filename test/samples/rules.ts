import { HANDSHAKE_HEADERS, RESERVED_HEADERS } from "../../api/policies/header-names.ts";
import { authenticationRules } from "./authentication-rules.ts";
import { samplesOf, specWith, type RuleSamples, type Sample } from "./proxy.ts";
import { storeRules } from "./store-rules.ts";

const path = (value: unknown): object => specWith({ route: { path: { value } } });
const rewrite = (value: unknown): object => specWith({ route: { rewrite: { path: value } } });
const selector = { matchLabels: { app: "chat" } };
const apiKey = (value: object): object =>
  specWith({ policies: { authentication: { apiKey: { secretSelector: selector, ...value } } } });
const forwarding = (value: object): object => specWith({ policies: { forwarding: value } });
const whole = (more: unknown): object => specWith({ spec: more as object });
const service = (value: unknown): object => whole({ gateway: { service: value } });
const k = (count: number): string => "k".repeat(count);
/** The longest key that Kubernetes takes: a DNS name of 253 characters, a slash and a name of 63. */
const longest = `${[62, 63, 63, 62].map(k).join(".")}/${k(63)}`;
const long = `k${longest}`;

const KEYS = "must have keys of at most 317 characters";
const FIXED =
  "must not be a header of the handshake or the connection, which the gateway itself writes; leave it out (for Host there is rewrite.hostname)";
const RESERVED = "must not be a header that the gateway itself writes; choose another";
const POSITIVE = "must be longer than 0s";

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
    rule: "goes with type LoadBalancer or NodePort only; remove it, or write one of these types",
    at: "spec.gateway.service.externalTrafficPolicy",
    spec: service,
    good: [
      { type: "LoadBalancer", externalTrafficPolicy: "Cluster" },
      { type: "LoadBalancer", externalTrafficPolicy: "Local" },
      { type: "NodePort", externalTrafficPolicy: "Local" },
      { type: "ClusterIP" },
      {},
    ],
    bad: [{ externalTrafficPolicy: "Local" }, { type: "ClusterIP", externalTrafficPolicy: "Cluster" }],
  },
  {
    rule: "goes with type LoadBalancer only; remove it, or write type: LoadBalancer",
    at: "spec.gateway.service.loadBalancerClass",
    spec: service,
    good: [
      { type: "LoadBalancer", loadBalancerClass: "internal" },
      { type: "LoadBalancer", loadBalancerClass: "example.com/Internal_1.x" },
      { type: "NodePort", loadBalancerClass: "" },
      { loadBalancerClass: "" },
    ],
    bad: [{ loadBalancerClass: "internal" }, { type: "NodePort", loadBalancerClass: "internal" }],
  },
  {
    rule: "goes with type LoadBalancer only; remove it, or write type: LoadBalancer",
    at: "spec.gateway.service.loadBalancerSourceRanges",
    spec: service,
    good: [
      { type: "LoadBalancer", loadBalancerSourceRanges: ["192.0.2.0/24", "2001:db8::/32", "192.0.2.1"] },
      { type: "NodePort", loadBalancerSourceRanges: [] },
    ],
    bad: [
      { loadBalancerSourceRanges: ["192.0.2.0/24"] },
      { type: "NodePort", loadBalancerSourceRanges: ["192.0.2.0/24"] },
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
    rule: "must not select by wsproxy.dev/injected, which the operator sets itself; select by a label of your pods",
    at: "spec.sidecar.selector.matchLabels",
    spec: (matchLabels) => whole({ mode: "Sidecar", sidecar: { selector: { matchLabels } } }),
    good: [{ app: "chat" }, { "wsproxy.dev/inject": "chat" }],
    bad: [{ "wsproxy.dev/injected": "wsproxy-chat" }, { app: "chat", "wsproxy.dev/injected": "" }],
  },
  {
    rule: "must be at least 1024 with mode Sidecar: the container in your pods may not open a lower port. Clients reach any port of your Service",
    at: "spec.listener.port",
    spec: (more) => whole({ mode: "Sidecar", sidecar: { selector }, ...(more as object) }),
    good: [
      {},
      { listener: {} },
      { listener: { port: 1024 } },
      { mode: "Gateway", sidecar: undefined, listener: { port: 80 } },
    ],
    bad: [{ listener: { port: 1023 } }, { listener: { port: 443, tls: { secretName: "tls" } } }],
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
    spec: (matchLabels) => apiKey({ secretSelector: { matchLabels } }),
    good: [{ a: "" }],
    bad: [{ [long]: "" }],
  },
  ...authenticationRules,
  ...storeRules,
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
    spec: (header) => apiKey({ from: [{ header }] }),
    good: ["x-api-key", "authorization", "cookie"],
    bad: ["x-request-id", "X-Forwarded-For"],
  },
];

/** Every rule with what keeps and what breaks it. */
export const ruleSamples: readonly Sample[] = sets.flatMap(({ rule, ...values }) => samplesOf(values, rule));
