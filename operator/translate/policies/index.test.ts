import { expect, test } from "vitest";
import { policies, type PoliciesSpec, type PolicyKind } from "../../../api/policies/index.ts";
import { lookup, secret } from "../../../test/fakes/resources.ts";
import { mergePolicies, ownPolicies, resolvePolicies, resolvers } from "./index.ts";
import type { ReferringKind, Resolver } from "./policy.ts";

const KINDS = Object.keys(policies) as PolicyKind[];
const at = (kind: PolicyKind): string => `policies.${kind}`;
const messages = (onExceed: "Close" | "Drop") => ({
  fromClient: [],
  fromBackend: [{ per: "Route" as const, limit: 1, interval: "1s", burst: 1, onExceed }],
});
const cookie = {
  require: "All" as const,
  apiKey: { from: [{ header: "x" }, { cookie: "key" }], secretSelector: { matchLabels: { keys: "chat" } } },
};

function resolved(settings: PoliciesSpec) {
  return resolvePolicies(settings, at, lookup()).policies;
}

test("a policy that is rendered in another form than it is written has a resolver", () => {
  const differing = KINDS.filter((kind) => policies[kind].spec !== (policies[kind].rendered as unknown));
  // The two schemas of deny have one form: only the written one refuses an entry that stands twice.
  expect(differing).toEqual(["origins", "deny", "authentication"]);
  expect(Object.keys(resolvers)).toEqual(expect.arrayContaining(["origins", "authentication"]));
  const without = { origins: resolvers.origins };
  // @ts-expect-error a table without a resolver for authentication does not compile
  without satisfies { readonly [K in ReferringKind]: Resolver<K> };
});

test("a key of the route replaces the whole same key of the proxy, and is the route's own", () => {
  const inherited: PoliciesSpec = { messages: messages("Drop"), enforcement: "Shadow" };
  const own: PoliciesSpec = { messages: { fromClient: [], fromBackend: [] } };
  expect(mergePolicies(inherited, own)).toMatchObject({
    messages: { fromClient: [], fromBackend: [] },
    enforcement: "Shadow",
    deny: undefined,
  });
  expect(ownPolicies(own)).toEqual(["messages"]);
});

test("a policy without settings has its default, or is absent", () => {
  const complete = resolved({});
  const absent = KINDS.filter((kind) => policies[kind].absent === undefined);
  expect(KINDS.filter((kind) => !(kind in complete))).toEqual(absent);
  expect(complete.timeouts).toEqual({ handshake: "10s", backendConnect: "60s", idle: "0s", lifetime: "0s" });
});

const places = [{ cookie: "key" }];

test.each<[string, PoliciesSpec, object | undefined]>([
  ["no origins and no cookie", {}, undefined],
  [
    "no origins, and a cookie",
    { authentication: cookie },
    { allow: [], sameOrigin: true, cookies: places, cookiesOnly: true },
  ],
  [
    "origins and no cookie",
    { origins: { allow: ["https://a.test"], sameOrigin: false } },
    { allow: ["https://a.test"], sameOrigin: false, allowMissing: true },
  ],
  [
    "origins and a cookie",
    { origins: { allow: ["https://a.test"], sameOrigin: false }, authentication: cookie },
    { allow: ["https://a.test"], sameOrigin: false, cookies: places },
  ],
  [
    "origins that allow those without one, and a cookie",
    { origins: { allow: [], sameOrigin: false, allowMissing: true }, authentication: cookie },
    { allow: [], sameOrigin: false, allowMissing: true },
  ],
  [
    "origins that do not allow those without one, and a cookie",
    { origins: { allow: [], sameOrigin: false, allowMissing: false }, authentication: cookie },
    { allow: [], sameOrigin: false, allowMissing: false },
  ],
  [
    "the whole Cookie header as a place",
    { authentication: { ...cookie, apiKey: { ...cookie.apiKey, from: [{ header: "Cookie" }] } } },
    { allow: [], sameOrigin: true, cookies: [{ header: "cookie" }], cookiesOnly: true },
  ],
])("%s", (_, settings, expected) => {
  expect(resolved(settings).origins).toEqual(expected);
});

test("cookies of all methods count, each once", () => {
  const introspection = {
    ...{ endpoint: "https://idp.test/", allowHttp: false, clientClaim: "sub", requiredScopes: [], cache: "30s" },
    ...{ recheck: "30s", credentialsSecretName: "login", from: [{ cookie: "key" }, { cookie: "token" }] },
  };
  const authentication = { ...cookie, introspection };
  expect(resolved({ authentication }).origins?.cookies).toEqual([{ cookie: "key" }, { cookie: "token" }]);
});

test.each<[string, PoliciesSpec]>([
  ["no origins", { authentication: cookie }],
  ["origins", { origins: { allow: ["https://a.test"], sameOrigin: true }, authentication: cookie }],
  [
    "origins with allowMissing",
    { origins: { allow: [], sameOrigin: true, allowMissing: false }, authentication: cookie },
  ],
])("%s and a cookie mean the same when a config in force is read back", (_, settings) => {
  const first = resolved(settings);
  expect(resolvePolicies({ ...first, authentication: cookie }, at, lookup()).policies.origins).toEqual(first.origins);
});

test("a config in force of an older version keeps what it says", () => {
  const older = { allow: [], sameOrigin: true, allowMissing: false };
  expect(policies.origins.rendered.parse(older)).toEqual(older);
  expect(resolved({ origins: older, authentication: cookie }).origins).toEqual(older);
});

test.each<[PoliciesSpec, string]>([
  [{}, "Passthrough"],
  [{ compression: "Disabled" }, "Disabled"],
  [{ messages: messages("Close") }, "Passthrough"],
  [{ messages: messages("Drop") }, "Disabled"],
  [{ messages: messages("Drop"), compression: "Passthrough" }, "Disabled"],
])("compression of %j is %s", (settings, expected) => {
  expect(resolved(settings).compression).toBe(expected);
});

test("a value that a config in force holds of a reference is not used again once the reference is lost", () => {
  const key = { client: "alice", digest: "d".repeat(43), disabled: false };
  const inForce = {
    require: "Any" as const,
    apiKey: { ...cookie.apiKey, keys: [key] },
    introspection: {
      endpoint: "https://idp.test/",
      allowHttp: false,
      from: [{ header: "authorization" }],
      clientClaim: "sub",
      requiredScopes: [],
      cache: "30s",
      recheck: "30s",
      credentialsSecretName: "gone",
      credentials: { username: "a", password: "b" },
    },
  };
  const { policies: now, problems } = resolvePolicies({ authentication: inForce }, at, lookup());
  expect(now.authentication?.apiKey?.keys).toEqual([]);
  expect(now.authentication?.introspection).not.toHaveProperty("credentials");
  expect(problems.map(({ reason }) => reason)).toEqual(["ApiKeysNotFound", "SecretNotFound"]);
});

test("routes that share settings share the values of their references", () => {
  const secrets = [secret("a", { alice: "example-key-000001" }, { labels: { keys: "chat" } })];
  const one = lookup({ secrets });
  const [a, b] = [1, 2].map(() => resolvePolicies({ authentication: cookie }, at, one).policies.authentication);
  const other = resolvePolicies({ authentication: { ...cookie } }, at, one).policies.authentication;
  expect(a).toBe(b);
  expect(a?.apiKey?.keys).toHaveLength(1);
  expect(other?.apiKey?.keys).toBe(a?.apiKey?.keys);
});
