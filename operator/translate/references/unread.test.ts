import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import type { Config } from "../../../api/config.ts";
import { keyPair } from "../../../test/fakes/certificates.ts";
import { lookup, metadata, proxy, resources, route, secret, translated } from "../../../test/fakes/resources.ts";
import { tools } from "../../platform/tools.ts";
import { lastGoodFound } from "./unread.ts";
import type { ConfigMap, Resources, Secret, Unread } from "../resources.ts";

const WORDS = 'secrets "x" is forbidden: User "wsproxy" cannot get resource "secrets" in the namespace "demo"';
const labels = { keys: "chat" };

const unread = ({ metadata: it }: Secret | ConfigMap, kind: Unread["kind"] = "Secret"): Unread => ({
  kind,
  metadata: it,
  forbidden: true,
  words: WORDS,
});

const pair = await keyPair();
const tls = { "tls.crt": pair.certificate, "tls.key": pair.privateKey, "ca.crt": pair.certificate };
const login = { username: "gateway", password: "a-password" };
const jwks = JSON.stringify({ keys: [generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" })] });

const permitted = { labels: { "wsproxy.dev/use": "true" } };

const SECRETS = [
  secret("chat-tls", tls, { type: "kubernetes.io/tls" }),
  secret("echo-tls", tls, { type: "kubernetes.io/tls", ...permitted }),
  secret("echo-ca", tls),
  secret("echo-login", login, { type: "kubernetes.io/basic-auth", ...permitted }),
  secret("asking", login, { type: "kubernetes.io/basic-auth", ...permitted }),
  secret("issuer", { "jwks.json": jwks }),
  secret("store-ca", tls),
  secret("store-login", { password: "a-password" }, { type: "kubernetes.io/basic-auth", ...permitted }),
  secret("keys", { alice: "alices-own-key-0001" }, { labels }),
];
const CONFIG_MAPS: ConfigMap[] = [{ metadata: metadata("issuer"), data: { "other.json": jwks } }];

const jwt = (reference: object) => ({ issuer: "https://idp.example.com/", audiences: ["chat"], jwks: reference });
const whole = (fromConfigMap: boolean): object =>
  proxy({
    listener: { tls: { secretName: "chat-tls" } },
    store: { address: "valkey:6379", tls: { caSecretName: "store-ca" }, credentialsSecretName: "store-login" },
    policies: {
      authentication: {
        require: "Any",
        apiKey: { secretSelector: { matchLabels: labels } },
        jwt: [jwt(fromConfigMap ? { configMapName: "issuer", key: "other.json" } : { secretName: "issuer" })],
        introspection: { endpoint: "https://idp.example.com/ask", credentialsSecretName: "asking" },
      },
    },
    routes: [
      route("main", {
        backends: [
          {
            service: "echo",
            port: 80,
            tls: { caSecretName: "echo-ca", clientSecretName: "echo-tls" },
            basicAuthSecretName: "echo-login",
          },
        ],
      }),
    ],
  });

test.each([
  ["Secrets", false],
  ["Secrets and ConfigMaps", true],
])(
  "the last good values of %s that may not be read any more stay, and each reference has a problem",
  (_, fromConfigMap) => {
    const parts = { proxy: whole(fromConfigMap), secrets: SECRETS, configMaps: CONFIG_MAPS };
    const before = translated(parts);
    expect(before.status.problems).toEqual([]);
    const denied = [...SECRETS.map((it) => unread(it)), ...CONFIG_MAPS.map((it) => unread(it, "ConfigMap"))];
    const now = translated({ proxy: whole(fromConfigMap), unread: denied }, before.config);
    expect(now.config).toEqual(before.config);
    const policy = "spec.policies.authentication";
    const backend = "spec.routes[0].backends[0]";
    expect(now.status.problems.map(({ at, reason }) => `${at} ${reason}`).sort()).toEqual(
      [
        `spec.listener.tls.secretName SecretInvalid`,
        `spec.store.tls.caSecretName SecretInvalid`,
        `spec.store.credentialsSecretName SecretInvalid`,
        `${policy}.apiKey.secretSelector SecretInvalid`,
        `${policy}.introspection.credentialsSecretName SecretInvalid`,
        fromConfigMap
          ? `${policy}.jwt[0].jwks.configMapName ConfigMapInvalid`
          : `${policy}.jwt[0].jwks.secretName SecretInvalid`,
        `${backend}.tls.caSecretName SecretInvalid`,
        `${backend}.tls.clientSecretName SecretInvalid`,
        `${backend}.basicAuthSecretName SecretInvalid`,
      ].sort(),
    );
    for (const { message } of now.status.problems) expect(message).toMatch(/may not read it.*cannot get resource/);
    expect(now.status.conditions.map(({ type, status }) => `${type} ${status}`)).toEqual([
      "Accepted True",
      "ResolvedRefs False",
    ]);
  },
);

test("without a last good value no client is admitted", () => {
  const { config } = translated({ proxy: whole(false), unread: SECRETS.map((it) => unread(it)) });
  expect(config?.policies.authentication?.[0]).toMatchObject({ apiKey: { keys: [] } });
  expect(config?.policies.authentication?.[0]?.jwt?.[0]?.jwks.keys).toBeUndefined();
  expect(config?.policies.authentication?.[0]?.introspection?.credentials).toBeUndefined();
  expect(config?.listener.tls?.keyPair).toBeUndefined();
  expect(config?.routes[0]?.backends).toEqual([]);
  expect(config?.store?.resolved).toBe(false);
});

const selecting = (...matchLabels: [string, string][]): object =>
  proxy({
    policies: { authentication: { apiKey: { secretSelector: { matchLabels: Object.fromEntries(matchLabels) } } } },
  });

const keysOf = (config: Config | undefined): unknown =>
  config?.policies.authentication?.[0]?.apiKey?.keys.map(({ client, disabled }) => `${client} ${disabled}`);

const two = { keys: "chat", team: "chat" };
const chat = selecting(["team", "chat"], ["keys", "chat"]);
const inForce = (parts: Partial<Resources>): Config | undefined => translated({ proxy: chat, ...parts }).config;

test("keys of readable Secrets are current: new, disabled; those of a Secret that cannot be read stay as they were", () => {
  const alice = secret("alice", { alice: "alices-own-key-0001" }, { labels: two });
  const bob = secret("bob", { bob: "bobs-quite-own-key-2" }, { labels: two });
  const before = inForce({ secrets: [alice, bob] });
  const disabled = secret("alice", alice.data, { labels: two, annotations: { "wsproxy.dev/disabled": "true" } });
  const carol = secret("carol", { carol: "carols-own-key-00003" }, { labels: two });
  // The API server may have sorted the selector in force.
  const proxyNow = selecting(["keys", "chat"], ["team", "chat"]);
  const { config } = translated({ proxy: proxyNow, secrets: [disabled, carol], unread: [unread(bob)] }, before);
  expect(keysOf(config)).toEqual(["alice true", "bob false", "carol false"]);
});

test("a key that was seen in a readable Secret, and is in none now, was removed", () => {
  const alice = secret("alice", { alice: "alices-own-key-0001" }, { labels: two });
  const bob = secret("bob", { bob: "bobs-quite-own-key-2" }, { labels: two });
  const before = inForce({ secrets: [alice, bob] });
  const parts = { proxy: chat, unread: [unread(bob)] };
  expect(keysOf(translated(parts, before).config)).toEqual(["alice false", "bob false"]);
  const seenKeys = new Set([tools.sha256("alices-own-key-0001")]);
  expect(keysOf(translated({ ...parts, seenKeys }, before).config)).toEqual(["bob false"]);
  expect(keysOf(translated({ ...parts, seenKeys, secrets: [alice] }, before).config)).toEqual([
    "alice false",
    "bob false",
  ]);
});

test("a Secret that is deleted, or not selected any more, loses its keys, even while Secrets cannot be read", () => {
  const alice = secret("alice", { alice: "alices-own-key-0001" }, { labels: two });
  const before = inForce({ secrets: [alice] });
  expect(keysOf(before)).toEqual(["alice false"]);
  const unlabelled = secret("alice", alice.data, { labels: { keys: "chat" } });
  expect(keysOf(translated({ proxy: chat, unread: [unread(unlabelled)] }, before).config)).toEqual([]);
  expect(keysOf(translated({ proxy: chat }, before).config)).toEqual([]);
});

test("keys in force of one selector are never those of another", () => {
  const alice = secret("alice", { alice: "alices-own-key-0001" }, { labels: two });
  const before = inForce({ secrets: [alice] });
  const other = unread(secret("other", {}, { labels: { keys: "other" } }));
  expect(keysOf(translated({ proxy: selecting(["keys", "other"]), unread: [other] }, before).config)).toEqual([]);
});

test("a Secret of another namespace that cannot be read makes no problem", () => {
  const far = { ...unread(secret("chat-tls", {})), metadata: metadata("chat-tls", { namespace: "far" }) };
  const { status } = translated({ ...resources(), proxy: whole(false), unread: [far] });
  expect(status.problems.map(({ reason }) => reason)).not.toContain("SecretInvalid");
});

test("what it costs to look up a Secret does not grow with the objects that were not read", () => {
  let reads = 0;
  const many = Array.from({ length: 500 }, (_, at) => ({
    ...unread(secret(`x${at}`, {})),
    get kind() {
      reads += 1;
      return "Secret" as const;
    },
  }));
  const of = lookup({ unread: many });
  const indexed = reads;
  for (let at = 0; at < 500; at += 1) {
    expect(lastGoodFound("Secret", `missing${at}`, "at", of, () => undefined)).toBeUndefined();
  }
  expect([indexed > 0, reads - indexed]).toEqual([true, 0]);
});
