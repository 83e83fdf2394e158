import fc from "fast-check";
import { expect, test } from "vitest";
import * as api from "../../api/config.ts";
import { routesOf } from "../../api/route-settings.ts";
import { proxy, route, secret, service, slice, translated } from "../../test/fakes/resources.ts";

const labels = { keys: "chat" };
const authentication = { apiKey: { secretSelector: { matchLabels: labels } } };
const withKeys = { authentication };

const manyKeys = (count: number, from = 0): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`client-${from + index}`, `example-key-${from + index}-0000`]),
  );

const sidecar = { mode: "Sidecar", sidecar: { selector: { matchLabels: { app: "chat" } } } };
const SHAPE = { listenerPort: 8080, resources: {}, drainPeriod: "30s" };

const LABEL = "k".repeat(60);

const labelled = (count: number, key: (at: number) => string, value: unknown): object =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [key(at), value]));

const reasons = ({ status }: ReturnType<typeof translated>): string[] =>
  status.conditions.map(({ status: holds, reason }) => `${holds} ${reason}`);

test("conditions come in one order, with the generation that they are about", () => {
  const { status } = translated({ proxy: proxy({}, 7) });
  for (const { conditions } of [status, ...status.routes]) {
    expect(conditions.map(({ type, observedGeneration }) => [type, observedGeneration])).toEqual([
      ["Accepted", 7],
      ["ResolvedRefs", 7],
    ]);
  }
});

test.each<[string, object, string]>([
  ["another apiVersion", { ...proxy(), apiVersion: "wsproxy.dev/v2" }, "apiVersion"],
  ["another kind", { ...proxy(), kind: "WebsocketProxy" }, "kind"],
  ["no spec", { ...proxy(), spec: undefined }, "spec"],
  ["a field beside spec", { ...proxy(), sepc: {} }, "sepc"],
  ["no name", { ...proxy(), metadata: { namespace: "demo" } }, "metadata.name"],
  ["a hostile name", { ...proxy(), metadata: { name: "../a", namespace: "demo" } }, "metadata.name"],
])("%s is not accepted, and its field is named", (_, manifest, at) => {
  const result = translated({ proxy: manifest });
  expect(result.config).toBeUndefined();
  expect(result.status.problems).toMatchObject([{ reason: "Invalid", at }]);
});

test("in mode Gateway a backend names a Service; in mode Sidecar it may name a port of the pod by its number", () => {
  const to = (backend: object) => ({ routes: [route("main", { backends: [backend] })] });
  const problems = (spec: object) => translated({ proxy: proxy(spec) }).status.problems.map(({ at }) => at);
  expect(problems(to({ port: 80 }))).toEqual(["spec.routes[0].backends[0].service"]);
  expect(problems({ ...sidecar, ...to({ port: 80 }) })).toEqual([]);
  expect(problems({ ...sidecar, ...to({ port: "http" }) })).toEqual(["spec.routes[0].backends[0].port"]);
  expect(problems({ ...sidecar, ...to({ port: 8080 }) })).toEqual(["spec.routes[0].backends[0].port"]);
  expect(problems({ ...sidecar, ...to({ service: "echo", port: 80 }) })).toEqual([]);
});

test.each([
  ["TurnedOff", "sidecar.enabled: true"],
  ["OldServer", "Kubernetes 1.29 or newer"],
  ["NamespaceLeftOut", "move the WebSocketProxy and its pods to another namespace"],
] as const)("mode Sidecar is not accepted where it is %s, whatever else is wrong", (support, words) => {
  for (const spec of [
    sidecar,
    { mode: "Sidecar" },
    { ...sidecar, gateway: {} },
    { ...sidecar, listener: { port: 0 } },
  ]) {
    const { config, infra, status } = translated({ proxy: proxy(spec) }, undefined, { sidecar: support });
    expect([config, infra]).toEqual([undefined, undefined]);
    expect(status.problems[0]).toMatchObject({ reason: "SidecarUnsupported", at: "spec.mode" });
    const [accepted] = status.conditions;
    expect(accepted).toMatchObject({ type: "Accepted", status: "False", reason: "SidecarUnsupported" });
    expect(accepted?.message).toMatch(/^spec\.mode: /);
    expect(accepted?.message).toContain(words);
  }
});

test.each([
  ["Gateway", {}, sidecar],
  ["Sidecar", sidecar, {}],
])("a proxy of mode %s whose mode is edited keeps its last good config and its shape", (_mode, before, after) => {
  const { config: previous, service: serviceInForce, sidecar: sidecarInForce } = translated({ proxy: proxy(before) });
  const inForce = { ...(serviceInForce && { serviceInForce }), ...(sidecarInForce && { sidecarInForce }) };
  const { status, ...it } = translated({ proxy: proxy(after), ...inForce }, previous);
  expect([it.config, it.infra, it.service, it.sidecar]).toEqual([previous, undefined, serviceInForce, sidecarInForce]);
  expect(status.problems).toMatchObject([{ reason: "Invalid", at: "spec.mode" }]);
});

test("a proxy of mode Sidecar keeps its last good config and shape when the mode is turned off, and by a mistake", () => {
  const before = translated({ proxy: proxy(sidecar) });
  const inForce = before.sidecar && { sidecarInForce: before.sidecar };
  expect(before.sidecar).toEqual({ ...SHAPE, selector: sidecar.sidecar.selector });
  const other = { ...sidecar, sidecar: { selector: { matchLabels: { app: "news" } } } };
  for (const [spec, support] of [
    [other, "TurnedOff"],
    [{ ...other, listener: { port: 0 } }, "On"],
  ] as const) {
    const after = translated({ proxy: proxy(spec), ...inForce }, before.config, { sidecar: support });
    expect([after.config, after.sidecar]).toEqual([before.config, before.sidecar]);
  }
  expect(translated({ proxy: proxy(other), ...inForce }, before.config).sidecar).toEqual({
    ...SHAPE,
    selector: other.sidecar.selector,
  });
});

test.each([
  [
    "spec.sidecar.selector",
    { sidecar: { selector: { matchLabels: labelled(64, (at) => `l${at}.${LABEL}/${LABEL}`, LABEL) } } },
  ],
  [
    "spec.dataplane.resources",
    { dataplane: { resources: { limits: labelled(64, (at) => `l${at}.${LABEL}/${LABEL}`, 1) } } },
  ],
])(
  "what pods of mode Sidecar get has a bound: a larger %s is not accepted, and the last good one stays",
  (at, more) => {
    const before = translated({ proxy: proxy(sidecar) });
    const inForce = before.sidecar && { sidecarInForce: before.sidecar };
    const after = translated({ proxy: proxy({ ...sidecar, ...more }), ...inForce }, before.config);
    expect(after.status.problems).toMatchObject([
      { reason: "TooLarge", at, message: expect.stringMatching(/^has \d+ characters as JSON; .*Make it shorter$/) },
    ]);
    expect([after.config, after.sidecar]).toEqual([before.config, before.sidecar]);
  },
);

test("a config in force of another proxy is never taken for this one's", () => {
  const previous = translated({}).config;
  expect(previous).toBeDefined();
  const broken = { ...proxy({ listener: { port: 0 } }), metadata: { name: "news", namespace: "demo" } };
  expect(translated({ proxy: broken }, previous).config).toBeUndefined();
});

test("one bad route among 1,000 leaves its last good version, the others are new", () => {
  const many = (bad: boolean) =>
    Array.from({ length: 1000 }, (_, index) =>
      route(`r${index}`, { rewrite: { path: bad && index === 500 ? "bad" : `/${bad}` } }),
    );
  const previous = translated({ proxy: proxy({ routes: many(false) }) }).config;
  const result = translated({ proxy: proxy({ routes: many(true) }, 2) }, previous);
  expect(reasons(result)[0]).toBe("True PartiallyAccepted");
  const routes = result.config === undefined ? [] : routesOf(result.config);
  expect(routes).toHaveLength(1000);
  expect(routes.filter(({ rewrite }) => rewrite?.path === "/true")).toHaveLength(999);
  expect(routes.find(({ name }) => name === "r500")?.rewrite?.path).toBe("/false");
  expect(result.status.routes[500]?.conditions[0]?.message).toMatch(/The version before stays in force\.$/);
});

test("a new route that serves the same requests as a last good one comes before it", () => {
  const previous = translated({ proxy: proxy({ routes: [route("old", { path: { value: "/x" } })] }) }).config;
  const routes = [route("old", { path: { value: "x" } }), route("new", { path: { value: "/x" } })];
  const { config } = translated({ proxy: proxy({ routes }, 2) }, previous);
  expect(config?.routes.map(({ name }) => name)).toEqual(["new", "old"]);
});

test("10,000 API keys fit; with one more the spec is not accepted, and the keys in force that still exist stay", () => {
  const spec = proxy({ policies: withKeys });
  const fits = translated({ proxy: spec, secrets: [secret("a", manyKeys(10_000), { labels })] });
  expect(reasons(fits)).toEqual(["True Accepted", "True ResolvedRefs"]);
  const secrets = [secret("a", manyKeys(9_999), { labels }), secret("b", manyKeys(2, 20_000), { labels })];
  const tooMany = translated({ proxy: spec, secrets }, fits.config);
  expect(reasons(tooMany)[0]).toBe("False TooLarge");
  expect(tooMany.config?.policies.authentication?.[0]?.apiKey?.keys).toHaveLength(9_999);
  expect(api.config.parse(tooMany.config)).toEqual(tooMany.config);
  expect(translated({ proxy: spec, secrets }).config).toBeUndefined();
});

test("copies of API keys in many authentications of their own are bounded too", () => {
  const own = (index: number) => ({ apiKey: { ...authentication.apiKey, from: [{ header: `x-key-${index}` }] } });
  const routes = Array.from({ length: 11 }, (_, index) =>
    route(`r${index}`, { policies: { authentication: own(index) } }),
  );
  const secrets = [secret("a", manyKeys(10_000), { labels })];
  expect(reasons(translated({ proxy: proxy({ routes: routes.slice(1) }), secrets }))[0]).toBe("True Accepted");
  expect(reasons(translated({ proxy: proxy({ routes }), secrets }))[0]).toBe("False TooLarge");
});

test("more routes than one proxy can have are not accepted", () => {
  const routes = Array.from({ length: 1025 }, (_, index) => route(`r${index}`));
  const { config, status } = translated({ proxy: proxy({ routes }) });
  expect(config).toBeUndefined();
  expect(status.problems).toMatchObject([{ at: "spec.routes", message: "must be at most 1024 routes" }]);
});

test("a message names as many mistakes as fit in 1,024 characters, and how many more there are", () => {
  const routes = Array.from({ length: 200 }, (_, index) => route(`r${index}`, { nonsense: 1 }));
  const { status } = translated({ proxy: proxy({ routes }) });
  const { message } = status.conditions[0] ?? { message: "" };
  expect(message.length).toBeLessThanOrEqual(1024);
  expect(message).toMatch(/^spec\.routes\[0\]\.nonsense: .* and \d+ more$/);
  const shown = message.split("; spec.routes").length;
  expect(shown + Number(/ and (\d+) more$/.exec(message)?.[1])).toBe(200);
  expect(status.problems).toHaveLength(200);
});

test("the config of 1,000 routes with 10,000 keys is small, and made in a moment", () => {
  const routes = Array.from({ length: 1000 }, (_, index) => route(`r${index}`));
  const parts = { proxy: proxy({ policies: withKeys, routes }), secrets: [secret("a", manyKeys(10_000), { labels })] };
  const begin = performance.now();
  const { config } = translated(parts);
  const took = performance.now() - begin;
  expect(config?.routes).toHaveLength(1000);
  expect(JSON.stringify(config).length).toBeLessThan(2_000_000);
  expect(took).toBeLessThan(3000); // measured 0.1 s; the machine may be busy
});

const shuffled = <T>(list: readonly T[]): fc.Arbitrary<T[]> =>
  fc.shuffledSubarray([...list], { minLength: list.length, maxLength: list.length });

test("the same resources in any order give the same bytes", () => {
  const secrets = ["c", "a", "d", "b"].map((name, index) =>
    secret(
      name,
      { [`client-${name}`]: `example-key-${index % 3}-000000`, same: "example-key-same-0000" },
      { labels, creationTimestamp: index === 2 ? "2025-01-01T00:00:00Z" : "" },
    ),
  );
  const services = [service("echo", [{ name: "ws", port: 80 }]), service("other", [{ port: 81 }])];
  const endpointSlices = ["3", "1", "2"].map((name) =>
    slice("echo", [{ name: "ws", port: 8080 }], [`10.0.0.${name}`, "10.0.0.9"], `echo-${name}`),
  );
  const to = {
    backends: [
      { service: "other", port: 81 },
      { service: "echo", port: 80 },
    ],
  };
  const manifest = proxy({ policies: withKeys, routes: [route("a", to), route("b")] });
  const expected = JSON.stringify(translated({ proxy: manifest, secrets, services, endpointSlices }));
  fc.assert(
    fc.property(shuffled(secrets), shuffled(services), shuffled(endpointSlices), (...lists) => {
      const [some, kinds, slices] = lists;
      const parts = { proxy: manifest, secrets: some, services: kinds, endpointSlices: slices };
      expect(JSON.stringify(translated(parts))).toBe(expected);
    }),
  );
});

const words = fc.constantFrom(
  ..."mode gateway sidecar dataplane listener policies routes name hostnames path rewrite backends service port tls".split(
    " ",
  ),
  ..."type value origins deny authentication require apiKey jwt jwks secretSelector from header messages fromClient".split(
    " ",
  ),
  ..."matchLabels matchExpressions per limit interval weight None Any chat /chat 1s __proto__ constructor toString".split(
    " ",
  ),
);
const anything = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    words,
    fc.jsonValue({ maxDepth: 1 }),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(words, tie("value"), { maxKeys: 6 }),
  ),
})).value;

test("no spec makes it throw, and the data plane accepts the config of each accepted spec", () => {
  const previous = translated({}).config;
  fc.assert(
    fc.property(anything, anything, fc.boolean(), (spec, one, whole) => {
      const good = proxy() as { spec: { routes: unknown[] } };
      const manifest = whole
        ? { ...good, spec }
        : { ...good, spec: { ...good.spec, routes: [...good.spec.routes, one] } };
      const { config, endpoints, status } = translated({ proxy: manifest }, previous);
      expect(api.config.safeParse(config).success).toBe(true);
      expect(api.endpoints.safeParse(endpoints).success).toBe(true);
      for (const { message } of status.conditions) expect(message.length).toBeLessThanOrEqual(1024);
    }),
    { numRuns: 300 },
  );
});

test("a spec whose jwt is no list, as before it was one, keeps the config in force", () => {
  const issuer = { issuer: "https://idp.test/", audiences: ["chat"], jwks: { uri: "https://idp.test/keys" } };
  const previous = translated({ proxy: proxy({ policies: { authentication: { jwt: [issuer] } } }) }).config;
  const { config, status } = translated({ proxy: proxy({ policies: { authentication: { jwt: issuer } } }) }, previous);
  expect(config?.policies.authentication).toHaveLength(1);
  expect(config).toEqual(previous);
  expect(status.problems.map(({ at }) => at)).toContain("spec.policies.authentication.jwt");
});

test("a warning about policies that all routes inherit is given once, and no condition turns False", () => {
  const issuer = (name: string) => ({
    issuer: `https://${name}.test/`,
    audiences: ["chat"],
    jwks: { uri: `https://${name}.test/keys` },
  });
  const inherited = { jwt: [issuer("a"), { ...issuer("b"), clientClaim: "email" }, issuer("c")] };
  const routes = [route("a"), route("b"), route("own", { policies: { authentication: inherited } })];
  const policies = { authentication: inherited };
  const { status, warnings } = translated({ proxy: proxy({ policies, routes }) });
  expect(warnings.map(({ at }) => at)).toEqual([
    "spec.policies.authentication.jwt[2].clientClaim",
    "spec.routes[2].policies.authentication.jwt[2].clientClaim",
  ]);
  expect(warnings.every(({ object }) => object === "WebSocketProxy demo/chat")).toBe(true);
  expect(status.conditions.map((condition) => condition.status)).toEqual(["True", "True"]);
  expect(translated({}).warnings).toEqual([]);
});

test("a proxy has at most 100 warnings, whatever its routes name", () => {
  const allow = Array.from({ length: 40 }, () => "x-forwarded-port");
  const routes = ["a", "b", "c", "d"].map((name) => route(name, { policies: { forwarding: { headers: { allow } } } }));
  const { warnings } = translated({ proxy: proxy({ routes }) });
  expect(warnings).toHaveLength(100);
});

test("a place of any issuer that is a header of the gateway's own is a mistake, by its own path", () => {
  const issuer = { issuer: "https://a.test/", audiences: ["chat"], jwks: { uri: "https://a.test/keys" } };
  const jwt = [issuer, { ...issuer, issuer: "https://b.test/", from: [{ query: "t" }, { header: "X_Request_Id" }] }];
  const { status } = translated({ proxy: proxy({ policies: { authentication: { jwt } } }) });
  expect(status.problems.map(({ at }) => at)).toContain("spec.policies.authentication.jwt[1].from[1].header");
});
