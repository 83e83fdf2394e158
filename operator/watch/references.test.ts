import { describe, expect, test } from "vitest";
import type { Config } from "../../api/config.ts";
import type { KubeObject } from "../kube/kinds.ts";
import { referencesOf, refersToSecret } from "./references.ts";

const EVERYTHING = {
  spec: {
    listener: { tls: { secretName: "listener-tls" } },
    store: { tls: { caSecretName: "store-ca" }, credentialsSecretName: "store-login" },
    policies: { authentication: { apiKey: { secretSelector: { matchLabels: { keys: "all" } } } } },
    routes: [
      {
        backends: [
          {
            service: "echo",
            tls: { caSecretName: "ca", clientSecretName: "client" },
            basicAuthSecretName: "login",
          },
          { port: 8080 },
        ],
        policies: {
          authentication: {
            apiKey: { secretSelector: { matchExpressions: [{ key: "keys", operator: "In", values: ["one"] }] } },
            jwt: [{ jwks: { secretName: "jwks" } }],
            introspection: { credentialsSecretName: "introspection" },
          },
        },
      },
      { policies: { authentication: { jwt: [{ jwks: { configMapName: "jwks-map" } }] } } },
    ],
  },
};

/** The part of a config in force that refers to objects. */
const inForce = {
  listener: { tls: { secretName: "old-tls" } },
  store: { tls: { caSecretName: "old-store-ca" }, credentialsSecretName: "old-store-login" },
  policies: {
    authentication: [
      {
        require: "All",
        apiKey: { secretSelector: { matchLabels: { keys: "old" } }, keys: [] },
        jwt: [{ jwks: { configMapName: "old-map" } }],
        introspection: { credentialsSecretName: "old-introspection" },
      },
    ],
  },
  routes: [
    {
      backends: [
        { endpoints: "old-service:80", tls: { caSecretName: "old-ca" }, basicAuthSecretName: "old-login" },
        { endpoints: ":8080" },
      ],
    },
  ],
} as unknown as Config;

const secret = (name: string, labels?: Record<string, string>): KubeObject => ({
  metadata: { name, namespace: "demo", ...(labels === undefined ? {} : { labels }) },
});

describe("what a proxy refers to", () => {
  test("is every Secret, ConfigMap and Service that it names, and the selectors of its keys", () => {
    const { secrets, configMaps, services, secretSelectors } = referencesOf(EVERYTHING, undefined);
    expect([...secrets]).toEqual([
      "listener-tls",
      "store-ca",
      "store-login",
      "ca",
      "client",
      "login",
      "jwks",
      "introspection",
    ]);
    expect([...configMaps]).toEqual(["jwks-map"]);
    expect([...services]).toEqual(["echo"]);
    expect(secretSelectors).toHaveLength(2);
  });

  test("has the entries of which the values are used, and no others", () => {
    const { entries } = referencesOf(EVERYTHING, undefined);
    const of = (name: string): string[] => [...(entries.get(`Secret ${name}`) ?? [])];
    expect([of("store-ca"), of("store-login")]).toEqual([["ca.crt"], ["username", "password"]]);
    expect([of("ca"), of("login"), of("client")]).toEqual([
      ["ca.crt"],
      ["username", "password"],
      ["tls.crt", "tls.key"],
    ]);
  });

  test("includes what the config in force refers to, since that stays while the spec is not accepted", () => {
    const { secrets, configMaps, services, secretSelectors } = referencesOf({ spec: 1 }, inForce);
    expect([...secrets]).toEqual([
      ...["old-tls", "old-store-ca", "old-store-login"],
      ...["old-ca", "old-login", "old-introspection"],
    ]);
    expect([...configMaps]).toEqual(["old-map"]);
    expect([...services]).toEqual(["old-service"]);
    expect(secretSelectors).toEqual([{ matchLabels: { keys: "old" }, matchExpressions: [] }]);
  });

  test.each([
    [undefined],
    [null],
    [{ spec: null }],
    [{ spec: { routes: {}, listener: [], store: 1, policies: "all" } }],
    [{ spec: { store: { tls: "x", credentialsSecretName: ["a"] } } }],
    [{ spec: { routes: [null, 1, { backends: "x", policies: [] }, { backends: [null, { service: 1, tls: 2 }] }] } }],
    [{ spec: { policies: { authentication: { apiKey: { secretSelector: 1 }, jwt: [{ jwks: [] }] } } } }],
    [{ spec: { policies: { authentication: { apiKey: { secretSelector: { matchLabels: { a: 1 } } } } } } }],
    [{ spec: { policies: { authentication: { apiKey: { secretSelector: { matchLabels: {} } } } } } }],
    [withExpression({ key: "a", operator: "toString" })],
    [withExpression(null)],
    [withExpression({ key: "a", operator: "DoesNotExist" })],
    [withExpression({ key: "a", operator: "NotIn", values: ["b"] })],
  ])("is nothing in a malformed field: %j", (manifest) => {
    const { secrets, configMaps, services, secretSelectors } = referencesOf(manifest, undefined);
    expect([secrets.size, configMaps.size, services.size, secretSelectors.length]).toEqual([0, 0, 0, 0]);
  });
});

test("a selector that asks for no label is followed only where it is in force", () => {
  const { spec } = withExpression({ key: "a", operator: "DoesNotExist" }) as { spec: { policies: object } };
  const old = {
    ...inForce,
    policies: { authentication: [structuredClone(Object.values(spec.policies)[0])] },
  } as unknown as Config;
  expect(referencesOf({ spec }, undefined).secretSelectors).toEqual([]);
  expect(referencesOf({ spec }, old).secretSelectors).toHaveLength(1);
});

function withExpression(expression: unknown): unknown {
  const apiKey = { secretSelector: { matchExpressions: [expression] } };
  return { spec: { policies: { authentication: { apiKey } } } };
}

describe("a Secret", () => {
  const references = referencesOf(EVERYTHING, undefined);

  test("is referred to by its name or by its labels", () => {
    expect(refersToSecret(references, secret("ca"))).toBe(true);
    expect(refersToSecret(references, secret("any", { keys: "all" }))).toBe(true);
    expect(refersToSecret(references, secret("any", { keys: "one" }))).toBe(true);
  });

  test("is not referred to with another label, or none", () => {
    expect(refersToSecret(references, secret("any", { keys: "two" }))).toBe(false);
    expect(refersToSecret(references, secret("any"))).toBe(false);
  });
});

test("of 10,000 names of one kind 8,192 are followed, and no name that is too long for an object", () => {
  const backends = Array.from({ length: 10_000 }, (_, at) => ({
    service: `s-${at}`,
    basicAuthSecretName: "x".repeat(254),
  }));
  const { services, secrets } = referencesOf({ spec: { routes: [{ backends }] } }, undefined);
  expect([services.size, secrets.size]).toEqual([8192, 0]);
  const longest = { service: "x".repeat(253) };
  expect(referencesOf({ spec: { routes: [{ backends: [longest] }] } }, undefined).services.size).toBe(1);
});
