import { beforeAll, expect, test } from "vitest";
import { config as configSchema, type Config } from "../../../api/config.ts";
import { keyPair } from "../../../test/fakes/certificates.ts";
import { proxy, route, secret, translated } from "../../../test/fakes/resources.ts";
import type { Secret } from "../resources.ts";
import type { Translation } from "../translation.ts";

const LOGIN = { username: "gateway", password: "a-password" };
const BASIC = "kubernetes.io/basic-auth";
const permitted = { labels: { "wsproxy.dev/use": "true" } };

let pair: Awaited<ReturnType<typeof keyPair>>;
beforeAll(async () => {
  pair = await keyPair();
});

const backend = (more: object): object =>
  proxy({ routes: [route("main", { backends: [{ service: "echo", port: 80, ...more }] })] });
const introspection = { endpoint: "https://idp.example.com/ask", credentialsSecretName: "it" };

/** A way to name a Secret as a credential, and the part of it that the data plane would get. */
const uses: Record<
  string,
  { spec: () => object; entries: () => Secret; used: (config: Config | undefined) => unknown }
> = {
  "a backend's basic auth": {
    spec: () => backend({ basicAuthSecretName: "it" }),
    entries: () => secret("it", LOGIN, { type: BASIC }),
    used: (config) => config?.routes[0]?.backends[0]?.basicAuth,
  },
  "a client certificate": {
    spec: () => backend({ tls: { clientSecretName: "it" } }),
    entries: () =>
      secret("it", { "tls.crt": pair.certificate, "tls.key": pair.privateKey }, { type: "kubernetes.io/tls" }),
    used: (config) => config?.routes[0]?.backends[0]?.tls?.client,
  },
  "introspection credentials": {
    spec: () => proxy({ policies: { authentication: { introspection } } }),
    entries: () => secret("it", LOGIN, { type: BASIC }),
    used: (config) => config?.policies.authentication?.[0]?.introspection?.credentials,
  },
};

const labelled = (it: Secret, labels: Record<string, string>): Secret => ({
  ...it,
  metadata: { ...it.metadata, labels },
});
const problems = ({ status }: Translation): string[] =>
  status.problems.map(({ reason, message }) => `${reason} ${message}`);

test.each(Object.entries(uses))("%s is used only with the label of its owner", (_, { spec, entries, used }) => {
  const good = translated({ proxy: spec(), secrets: [labelled(entries(), permitted.labels)] });
  expect([problems(good), used(good.config) === undefined]).toEqual([[], false]);
  for (const labels of [{}, { "wsproxy.dev/use": "" }, { "wsproxy.dev/use": "True" }, { use: "true" }]) {
    const refused = translated({ proxy: spec(), secrets: [labelled(entries(), labels)] });
    expect(used(refused.config)).toBeUndefined();
    expect(problems(refused)).toEqual([
      expect.stringMatching(
        /^SecretNotPermitted Secret it may not be used.*kubectl label secret it --namespace demo wsproxy\.dev\/use=true( --overwrite)?$/,
      ),
    ]);
    expect(JSON.stringify(refused)).not.toMatch(/a-password|PRIVATE/);
  }
});

test.each(Object.entries(uses))(
  "the only problem of %s is the missing label, whatever else is wrong with the Secret",
  (_, { spec }) => {
    for (const wrong of [
      secret("it", {}),
      secret("it", { username: "a\u0000", password: "" }, { type: BASIC }),
      secret("it", { "tls.crt": "x", "tls.key": "ENCRYPTED" }, { type: "kubernetes.io/tls" }),
      secret("it", {}, { type: "kubernetes.io/tls", notText: ["tls.key"] }),
    ]) {
      const said = problems(translated({ proxy: spec(), secrets: [wrong] }));
      expect(said).toEqual([expect.stringMatching(/^SecretNotPermitted/)]);
    }
  },
);

test.each(Object.entries(uses))(
  "taking the label away from %s has the effect of deleting the Secret",
  (_, { spec, entries, used }) => {
    const before = translated({ proxy: spec(), secrets: [labelled(entries(), permitted.labels)] }).config;
    const outcome = (secrets: Secret[]): unknown => used(translated({ proxy: spec(), secrets }, before).config);
    expect(outcome([entries()])).toEqual(outcome([]));
    // A spec that is not accepted leaves its last good routes in force.
    const broken = { ...(spec() as { spec: object }), unknown: 1 };
    const kept = (secrets: Secret[]): unknown => used(translated({ proxy: broken, secrets }, before).config);
    expect(kept([entries()])).toEqual(kept([]));
    // A Secret that cannot be read either is not used.
    const { metadata } = entries();
    const unread = { kind: "Secret" as const, metadata, forbidden: true, words: "forbidden" };
    expect(used(translated({ proxy: spec(), unread: [unread] }, before).config)).toBeUndefined();
  },
);

test("a password for the store is used only with the label; without it, that in force stays with its server", () => {
  const spec = proxy({ store: { address: "valkey:6379", credentialsSecretName: "it" } });
  const it = (labels: Record<string, string>): Secret => labelled(secret("it", LOGIN, { type: BASIC }), labels);
  for (const labels of [{}, { "wsproxy.dev/use": "" }, { "wsproxy.dev/use": "True" }, { use: "true" }]) {
    const refused = translated({ proxy: spec, secrets: [it(labels)] });
    expect(refused.config?.store).toEqual({
      address: "valkey:6379",
      credentialsSecretName: "it",
      whenUnavailable: "PerPod",
      resolved: false,
    });
    expect(problems(refused)).toEqual([expect.stringMatching(/^SecretNotPermitted Secret it may not be used/)]);
    expect(JSON.stringify(refused)).not.toContain("a-password");
  }
  const before = translated({ proxy: spec, secrets: [it(permitted.labels)] }).config;
  expect(before?.store?.credentials).toEqual(LOGIN);
  const outcome = (secrets: Secret[]): unknown => translated({ proxy: spec, secrets }, before).config?.store;
  expect([outcome([it({})]), outcome([])]).toEqual([before?.store, before?.store]);
});

test("authorities, key sets and the listener's certificate need no label", () => {
  const jwks = { keys: [{ kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", kid: "k" }] };
  const jwt = { issuer: "https://idp.example.com/", audiences: ["chat"], jwks: { secretName: "issuer" } };
  const spec = proxy({
    listener: { tls: { secretName: "tls" } },
    store: { address: "valkey:6379", tls: { caSecretName: "ca" } },
    policies: { authentication: { jwt: [jwt] } },
    routes: [route("main", { backends: [{ service: "echo", port: 80, tls: { caSecretName: "ca" } }] })],
  });
  const secrets = [
    secret("tls", { "tls.crt": pair.certificate, "tls.key": pair.privateKey }, { type: "kubernetes.io/tls" }),
    secret("ca", { "ca.crt": pair.certificate }),
    secret("issuer", { "jwks.json": JSON.stringify(jwks) }),
  ];
  expect(problems(translated({ proxy: spec, secrets }))).toEqual([]);
});

const negative = { matchExpressions: [{ key: "kind", operator: "NotIn", values: ["other"] }] };
const keysOf = (config: Config | undefined): string[] =>
  (config?.policies.authentication?.[0]?.apiKey?.keys ?? []).map(({ client, disabled }) => `${client} ${disabled}`);

/** A config that an earlier version rendered, with a selector that asks for no label, and with these keys. */
function old(...secrets: Secret[]): Config {
  const selecting = { apiKey: { secretSelector: { matchLabels: { any: "" } } } };
  const spec = proxy({ policies: { authentication: selecting } });
  const all = secrets.map((it) => labelled(it, { any: "" }));
  const rendered = JSON.stringify(translated({ proxy: spec, secrets: all }).config);
  return configSchema.parse(JSON.parse(rendered.replace('{"matchLabels":{"any":""}}', JSON.stringify(negative))));
}

const withNegative = proxy({ policies: { authentication: { apiKey: { secretSelector: negative } } } });

test("a selector that asks for no label is not accepted; where it was, it loses keys and finds no new ones", () => {
  const alice = secret("alice", { alice: "alices-own-key-0001" });
  const bob = secret("bob", { bob: "bobs-quite-own-key-2" });
  const before = old(alice, bob);
  expect(keysOf(before)).toEqual(["alice false", "bob false"]);
  const shop = secret("shop", { password: "a-password-of-the-shop", pin: "1234" });
  const disabled = secret("bob", bob.data, { annotations: { "wsproxy.dev/disabled": "true" } });
  const now = translated({ proxy: withNegative, secrets: [disabled, shop] }, before);
  expect(problems(now)).toEqual([expect.stringMatching(/^Invalid must ask for a label/)]);
  expect(keysOf(now.config)).toEqual(["bob true"]);
  expect(now.asides.map(({ object }) => object)).toEqual(["Secret demo/shop"]);
  // A key that was removed does not come back later.
  expect(keysOf(translated({ proxy: withNegative, secrets: [alice, disabled, shop] }, now.config).config)).toEqual([
    "bob true",
  ]);
});

test("a new proxy with a selector that asks for no label has no config", () => {
  const shop = secret("shop", { password: "a-password-of-the-shop" });
  expect(translated({ proxy: withNegative, secrets: [shop] }).config).toBeUndefined();
});
