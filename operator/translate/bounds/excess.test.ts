import { expect, test } from "vitest";
import type { Config } from "../../../api/config.ts";
import { proxy, resources, route, secret, service, slice, translated } from "../../../test/fakes/resources.ts";
import { tools } from "../../platform/tools.ts";
import { translate } from "../translate.ts";
import { finished } from "../steps.ts";
import { fitsInText } from "./text-budget.ts";
import { routesOf } from "../../../api/route-settings.ts";
import type { Resources, Unread } from "../resources.ts";

const LABELS = { "wsproxy.dev/api-keys": "chat" };
const withKeys = { authentication: { apiKey: { secretSelector: { matchLabels: LABELS } } } };
const keysIn = (config: Config | undefined): unknown =>
  config?.policies.authentication?.[0]?.apiKey?.keys.map(({ client }) => client);
const condition = ({ status }: ReturnType<typeof translated>, type: string): string | undefined => {
  const found = status.conditions.find((one) => one.type === type);
  return `${found?.status} ${found?.reason} ${found?.message}`;
};

const many = (count: number, backends: (at: number) => object[]): object[] =>
  Array.from({ length: count }, (_, at) => route(`r${at}`, { backends: backends(at) }));

test.each<[string, object, RegExp]>([
  [
    "4,097 backends",
    { routes: many(65, () => Array.from({ length: 64 }, () => ({ service: "echo", port: 80 }))) },
    /^spec\.routes: have 4160 backends, and there can be 4096; divide/,
  ],
  [
    "more than 4,096 names",
    {
      routes: many(50, (at) =>
        Array.from({ length: 60 }, (_, one) => ({
          service: `s${at}-${one}`,
          port: 80,
          basicAuthSecretName: `login-${at}-${one}`,
        })),
      ),
    },
    /^spec\.routes: name 6000 Services and Secrets in their backends, and there can be 4096; divide/,
  ],
  [
    "a shape of pods longer than 64Ki",
    {
      gateway: {
        pod: { annotations: Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`a${at}`, "x".repeat(4000)])) },
      },
    },
    /^spec\.gateway: is longer than 64Ki without routes and policies; make it shorter/,
  ],
  [
    "a list of 20,001",
    { routes: Array.from({ length: 20_001 }, () => 1) },
    /^spec: holds more than 400000 values, or a list/,
  ],
  [
    "more than 400,000 values",
    { routes: Array.from({ length: 21 }, () => Array(20_000).fill(1)) },
    /^spec: holds more than 400000 values, or a list/,
  ],
])(
  "a spec with %s is not read any further: the last good config stays, without the keys that were removed",
  (_, spec, words) => {
    const before = translated({
      proxy: proxy({ policies: withKeys }),
      secrets: [secret("a", { alice: "alices-own-key-0001", bob: "bobs-quite-own-key-2" }, { labels: LABELS })],
    });
    const after = translated(
      {
        proxy: proxy({ policies: withKeys, ...spec }),
        secrets: [secret("a", { bob: "bobs-quite-own-key-2" }, { labels: LABELS })],
      },
      before.config,
    );
    const accepted = after.status.conditions.find(({ type }) => type === "Accepted");
    expect(accepted).toMatchObject({ status: "False", reason: "TooLarge", message: expect.stringMatching(words) });
    expect(after.infra).toBeUndefined();
    expect([keysIn(before.config), keysIn(after.config)]).toEqual([["alice", "bob"], ["bob"]]);
  },
);

test("of a thousand routes full of mistakes a thousand mistakes are reported, and the routes after them are not read", () => {
  const routes = Array.from({ length: 1000 }, (_, at) => route(`r${at}`, { hostnames: Array(100).fill("!"), path: 1 }));
  const { status } = translated({ proxy: proxy({ routes }) });
  expect(status.problems.length).toBeLessThan(3000);
  expect(status.routes.at(-1)?.conditions[0]?.message).toMatch(/is not looked at: there are 1000 mistakes before it/);
});

const left = (name: string, more: Partial<Unread> = {}): Unread => ({
  kind: "Secret",
  metadata: { namespace: "demo", name, labels: LABELS },
  forbidden: false,
  words: "",
  beyond: "there is more than 16Mi; remove some",
  ...more,
});

test("Secrets beyond the budget are reported in one sentence, before all other problems", () => {
  const parts: Partial<Resources> = {
    proxy: proxy({ policies: withKeys }),
    secrets: [secret("a", { alice: "short" }, { labels: LABELS })],
    unread: [left("b"), left("c"), left("d")],
  };
  expect(condition(translated(parts), "ResolvedRefs")).toMatch(
    /^False TooLarge spec\.policies\.authentication\.apiKey\.secretSelector: Secret b and 2 more are not read: there is more than 16Mi; remove some\. What was in force of it stays; Secret demo\/a data\.alice/,
  );
});

test("keys in force stay if a Secret that was not read may hold them, and go if it is new and holds none", () => {
  const all = [
    secret("a", { alice: "alices-own-key-0001" }, { labels: LABELS }),
    secret("b", { bob: "bobs-quite-own-key-2" }, { labels: LABELS }),
  ];
  const before = translated({ proxy: proxy({ policies: withKeys }), secrets: all }).config;
  const now = (unread: Unread): unknown =>
    keysIn(
      translated({ proxy: proxy({ policies: withKeys }), secrets: [all[1] as never], unread: [unread] }, before).config,
    );
  expect(now(left("a"))).toEqual(["alice", "bob"]);
  expect(now(left("new", { isNew: true }))).toEqual(["bob"]);
});

test("of a Secret with 100,000 entries that cannot be keys a hundred are reported, and its good ones count", () => {
  const entries = Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`c${at}`, ""]));
  const secrets = [secret("a", { ...entries, zoe: "zoes-own-key-00001" }, { labels: LABELS })];
  const { config, status } = translated({ proxy: proxy({ policies: withKeys }), secrets });
  expect(keysIn(config)).toEqual(["zoe"]);
  expect(status.problems).toHaveLength(100);
  expect(status.problems.at(-1)?.message).toMatch(/it is the last one that is told/);
});

test("the endpoints of a Service of which the budget left EndpointSlices out are used as far as they were read, with a problem", () => {
  const parts = {
    services: [service("echo", [{ port: 80 }])],
    endpointSlices: [slice("echo", [{ port: 8080 }], ["10.0.0.1", "10.0.0.2"])],
    cutServices: new Map([["echo", 1200]]),
  };
  const it = translated(parts);
  expect(it.endpoints.backends["echo:80"]).toHaveLength(2);
  expect(condition(it, "ResolvedRefs")).toMatch(
    /^False TooLarge spec\.routes\[0\]\.backends\[0\]\.service: Service echo has 1200 EndpointSlices, .* the first 1 are used\. Divide/,
  );
});

test("a thousand routes that name one large key set do not make a thousand copies of it", () => {
  const { config } = translated({
    proxy: proxy({ routes: many(1000, () => [{ service: "echo", port: 80 }]) }),
  });
  const keys = Array.from({ length: 40 }, (_, at) => ({ kty: "RSA", kid: `${at}`, n: "x".repeat(1000) }));
  const routes = routesOf(config as Config).map((one, at) => {
    const jwt = { issuer: `https://idp.example.com/${at}`, jwks: { keys } };
    return { ...one, policies: { ...one.policies, authentication: { require: "All", jwt: [jwt] } as never } };
  });
  expect(finished(fitsInText(routes.slice(0, 300)))).toBe(true);
  expect(finished(fitsInText(routes))).toBe(false);
});

test("a key set that a thousand routes name is read once", () => {
  let checked = 0;
  const jwks = JSON.stringify({ keys: Array.from({ length: 50 }, (_, at) => ({ kty: "OKP", kid: String(at) })) });
  const jwt = (at: number) => ({
    issuer: `https://idp.example.com/${at}`,
    audiences: ["chat"],
    jwks: { secretName: "s" },
  });
  const routes = Array.from({ length: 1000 }, (_, at) => {
    return route(`r${at}`, { policies: { authentication: { jwt: [jwt(at)] } } });
  });
  const counting = {
    ...tools,
    keyProblem: () => {
      checked += 1;
      return undefined;
    },
  };
  const parts = resources({ proxy: proxy({ policies: {}, routes }), secrets: [secret("s", { "jwks.json": jwks })] });
  const { status } = translate(parts, undefined, counting, { externalNames: false });
  expect(status.problems).toEqual([]);
  expect(checked).toBe(50);
});

test("of the problems of a route in force the first twenty are reported", () => {
  const backends = Array.from({ length: 30 }, (_, at) => ({ service: `s-${at}`, port: 80 }));
  const services = backends.map((one) => service(one.service, [{ port: 80 }]));
  const before = translated({ proxy: proxy({ routes: [route("chat", { backends })] }), services }).config;
  expect(before?.routes[0]?.backends).toHaveLength(30);
  const { status } = translated({ proxy: proxy({ routes: [route("chat", { path: 1 })] }), services: [] }, before);
  const old = status.problems.filter(({ message }) => message.startsWith("the version in force, "));
  expect(old).toHaveLength(20);
});
