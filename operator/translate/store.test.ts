import { describe, expect, test } from "vitest";
import { config as configSchema, type StoreConfig } from "../../api/config.ts";
import { hostOf } from "../../api/store.ts";
import { keyPair } from "../../test/fakes/certificates.ts";
import { metadata, proxy, secret, translated } from "../../test/fakes/resources.ts";
import type { Resources, Secret, Unread } from "./resources.ts";
import type { Translation } from "./translation.ts";

const BASIC = "kubernetes.io/basic-auth";
const permitted = { labels: { "wsproxy.dev/use": "true" } };
const { certificate } = await keyPair();

const STORE = { address: "valkey.demo.svc:6379", tls: { caSecretName: "ca" }, credentialsSecretName: "login" };
const ca = secret("ca", { "ca.crt": certificate });
const login = (data: Record<string, string>, more: Partial<Secret> & object = permitted): Secret =>
  secret("login", data, { type: BASIC, ...more });
const good = login({ username: "gateway", password: "first" });

const withStore = (store: object, more: object = {}): object => proxy({ store, ...more });
const made = (secrets: Secret[], store: object = STORE, before?: Translation, more: Partial<Resources> = {}) =>
  translated({ proxy: withStore(store), secrets, ...more }, before?.config);
const storeOf = ({ config }: Translation): StoreConfig | undefined => config?.store;
const said = ({ status }: Translation): string[] =>
  status.problems.map(({ at, reason, message }) => `${at} ${reason} ${message}`);

test("a store comes with the values of its Secrets, and with every default applied", () => {
  expect(storeOf(made([ca, good]))).toEqual({
    address: "valkey.demo.svc:6379",
    tls: { serverName: "valkey.demo.svc", caSecretName: "ca", ca: certificate },
    credentialsSecretName: "login",
    credentials: { username: "gateway", password: "first" },
    whenUnavailable: "PerPod",
    resolved: true,
  });
  expect(storeOf(translated({}))).toBeUndefined();
});

test("a store without TLS and password needs no Secret, and one with tls: {} trusts public CAs", () => {
  const bare = { address: "valkey:6379", whenUnavailable: "Refuse" };
  expect(storeOf(made([], bare))).toEqual({ ...bare, resolved: true });
  expect(storeOf(made([], { ...bare, tls: {} }))?.tls).toEqual({ serverName: "valkey" });
  expect(storeOf(made([], { ...bare, tls: { serverName: "other" } }))?.tls).toEqual({ serverName: "other" });
});

test.each([
  ["valkey:6379", "valkey"],
  ["valkey.demo.svc.cluster.local.:6379", "valkey.demo.svc.cluster.local"],
  ["10.0.0.7:6379", "10.0.0.7"],
  ["[2001:db8::7]:6379", "2001:db8::7"],
])("the host of %s is %s", (address, host) => {
  expect(hostOf(address)).toBe(host);
  expect(storeOf(made([], { address, tls: {} }))?.tls?.serverName).toBe(host);
});

test("the longest address and the longest host are within the bounds of the rendered config", () => {
  const address = `${[63, 63, 63, 61].map((length) => "v".repeat(length)).join(".")}:1`;
  const { config } = made([], { address, tls: {} });
  expect(configSchema.parse(config).store?.tls?.serverName).toHaveLength(253);
});

test.each([
  ["no user name", { password: "secret" }],
  ["an empty user name", { username: "", password: "secret" }],
])("a login with %s is that of the default user", (_what, data) => {
  const now = made([ca, login(data)]);
  expect([storeOf(now)?.credentials, said(now)]).toEqual([{ username: "", password: "secret" }, []]);
});

test("the labelled Secret of a backend or an issuer still needs its user name", () => {
  const backends = [{ service: "echo", port: 80, basicAuthSecretName: "login" }];
  const now = translated({
    proxy: withStore(STORE, { routes: [{ name: "main", backends }] }),
    secrets: [ca, login({ password: "secret" })],
  });
  expect(said(now)).toEqual([expect.stringContaining("Secret login: lacks the key username")]);
  expect([now.config?.routes[0]?.backends, storeOf(now)?.resolved]).toEqual([[], true]);
});

/** What may become of the Secret with the login, and what the status says. */
const BROKEN: readonly (readonly [string, Secret[], string])[] = [
  ["is gone", [], "SecretNotFound there is no Secret login in namespace demo"],
  ["lost its label", [login(good.data, {})], "SecretNotPermitted Secret login may not be used"],
  ["lost its password", [login({ username: "gateway" })], "SecretInvalid Secret login: lacks the key password"],
  ["has another type", [secret("login", good.data, permitted)], `SecretInvalid Secret login: is not of type ${BASIC}`],
  ["has a line break", [login({ password: "a\n" })], "SecretInvalid Secret login: password: holds a line break"],
  [
    "has a NUL in its user",
    [login({ username: "\0", password: "a" })],
    "SecretInvalid Secret login: username: holds a",
  ],
  [
    "has a user that is no text",
    [login({ password: "a" }, { ...permitted, notText: ["username"] })],
    "SecretInvalid Secret login: username: is not UTF-8 text",
  ],
  ["has a long password", [login({ password: "a".repeat(4097) })], "SecretInvalid Secret login: password: has more"],
];

describe.each(BROKEN)("a password whose Secret %s", (_what, secrets, words) => {
  const at = "spec.store.credentialsSecretName";

  test("leaves the one in force, and the status says so", () => {
    const before = made([ca, good]);
    const now = made([ca, ...secrets], STORE, before);
    expect(storeOf(now)).toEqual(storeOf(before));
    expect(said(now)).toEqual([expect.stringContaining(`${at} ${words}`)]);
    expect(said(now)[0]).toMatch(/\. Until then what was in force of it stays$/);
    expect(now.status.conditions.map(({ status }) => status)).toEqual(["True", "False"]);
  });

  test("is no password where none was in force: the store is not resolved, and the rest of the config serves", () => {
    const now = made([ca, ...secrets]);
    expect(storeOf(now)).toEqual({ ...storeOf(made([ca, good])), credentials: undefined, resolved: false });
    expect(storeOf(now)).not.toHaveProperty("credentials");
    expect(configSchema.parse(now.config).routes).toHaveLength(1);
    expect(said(now)[0]).toMatch(/\. Until then no pod dials the store, and whenUnavailable decides what limits do$/);
  });

  test("is no password where another Secret's was in force", () => {
    const other = { ...good, metadata: metadata("other", permitted) };
    const before = made([ca, other], { ...STORE, credentialsSecretName: "other" });
    expect(storeOf(before)?.resolved).toBe(true);
    expect(storeOf(made([ca, ...secrets], STORE, before))?.resolved).toBe(false);
  });
});

test("an authority that is lost leaves the one in force; where there is none, the store is not resolved", () => {
  const before = made([ca, good]);
  const lost = made([good], STORE, before);
  expect(storeOf(lost)).toEqual(storeOf(before));
  expect(said(lost)).toEqual([expect.stringContaining("spec.store.tls.caSecretName SecretNotFound")]);
  const broken = made([secret("ca", { "ca.crt": "none" }), good]);
  expect(storeOf(broken)).toMatchObject({
    resolved: false,
    tls: { serverName: "valkey.demo.svc", caSecretName: "ca" },
  });
  expect(said(broken)).toEqual([expect.stringContaining("spec.store.tls.caSecretName SecretInvalid")]);
});

test("an authority needs no label, and a new password is in force at once", () => {
  const before = made([ca, good]);
  const now = made([ca, login({ password: "second" })], STORE, before);
  expect(storeOf(now)?.credentials).toEqual({ username: "", password: "second" });
});

test("credentials that their owner took away go to no other server", () => {
  const before = made([ca, good]);
  const elsewhere = { ...STORE, address: "attacker.demo.svc:6379" };
  for (const secrets of [[ca], [ca, login({ password: "first" }, {})]]) {
    const now = made(secrets, elsewhere, before);
    expect(storeOf(now)).toMatchObject({ address: elsewhere.address, resolved: false });
    expect(JSON.stringify(now)).not.toContain("first");
  }
  // A slip in the Secret is not meant to take them away.
  expect(storeOf(made([ca, login({ username: "a" })], elsewhere, before))?.resolved).toBe(true);
});

test("Secrets that cannot be read leave what is in force, and else the store is not resolved", () => {
  const before = made([ca, good]);
  const unread = [ca, good].map((it): Unread => ({
    kind: "Secret",
    metadata: it.metadata,
    forbidden: true,
    words: "forbidden",
  }));
  const now = made([], STORE, before, { unread });
  expect(storeOf(now)).toEqual(storeOf(before));
  expect(said(now)).toEqual([
    expect.stringMatching(/^spec\.store\.tls\.caSecretName SecretInvalid .*may not read it/),
    expect.stringMatching(/^spec\.store\.credentialsSecretName SecretInvalid .*may not read it/),
  ]);
  expect(storeOf(made([], STORE, undefined, { unread }))?.resolved).toBe(false);
  const beyond = unread.map((it) => ({ ...it, beyond: "too much is named" }));
  expect(said(made([], STORE, before, { unread: beyond })).every((one) => one.includes(" TooLarge "))).toBe(true);
});

test("an unread Secret that the store names newly has the value that a backend has of it in force", () => {
  const backends = [{ service: "echo", port: 80, tls: { caSecretName: "ca" }, basicAuthSecretName: "login" }];
  const routes = [{ name: "main", backends }];
  const before = translated({ proxy: proxy({ routes }), secrets: [ca, good] });
  const unread = [ca, good].map((it): Unread => ({
    kind: "Secret",
    metadata: it.metadata,
    forbidden: true,
    words: "forbidden",
  }));
  const now = translated({ proxy: withStore(STORE, { routes }), unread }, before.config);
  expect(storeOf(now)).toEqual(storeOf(made([ca, good])));
});

describe("a spec that is not accepted", () => {
  const wrong = (store: unknown): object => proxy({ store, unknown: 1 });
  const before = made([ca, good]);

  test("keeps the last good store, with the current values of its Secrets", () => {
    const next = login({ username: "gateway", password: "second" });
    for (const store of [STORE, undefined, { address: "valkey" }, { ...STORE, address: "other:6379" }]) {
      const now = translated({ proxy: wrong(store), secrets: [ca, next] }, before.config);
      expect(storeOf(now)).toEqual({ ...storeOf(before), credentials: next.data });
    }
  });

  test("keeps its values where its Secrets are gone", () => {
    expect(storeOf(translated({ proxy: wrong(STORE) }, before.config))).toEqual(storeOf(before));
  });

  test("brings no store where none was in force", () => {
    const bare = translated({});
    expect(translated({ proxy: wrong(STORE), secrets: [ca, good] }, bare.config).config).not.toHaveProperty("store");
  });
});

test("a store that is taken out of the spec is out of the config", () => {
  const before = made([ca, good]);
  expect(translated({ secrets: [ca, good] }, before.config).config).not.toHaveProperty("store");
});

test("no problem of a store tells what its Secrets hold, or what stands in a wrong address", () => {
  const now = translated({
    proxy: withStore({ ...STORE, address: "redis://default:hunter2@valkey:6379" }),
    secrets: [ca, login({ password: "secret-word\n" })],
  });
  expect(JSON.stringify([now.status, now.warnings, now.notes])).not.toMatch(/hunter2|secret-word/);
});
