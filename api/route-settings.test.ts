import { expect, test } from "vitest";
import { configOf } from "../test/fakes/config.ts";
import { config as schema, type RouteConfig } from "./config.ts";
import { routesOf, withSettings } from "./route-settings.ts";

const keys = Array.from({ length: 100 }, (_, index) => ({
  client: `c${index}`,
  digest: "d".repeat(43),
  disabled: false,
}));
const authentication = (from: string) => ({ require: "All" as const, apiKey: { from: [{ header: from }], keys } });

const [main] = routesOf(configOf());

function named(name: string, policies: Partial<RouteConfig["policies"]> = {}): RouteConfig {
  if (main === undefined) throw new Error("no route");
  return { ...main, name, policies: { ...main.policies, ...policies } };
}

test("settings that routes share are written once, and come back as one object", () => {
  const shared = authentication("x-api-key");
  const routes = [named("a", { authentication: shared }), named("b", { authentication: shared }), named("c")];
  const written = withSettings(routes);
  expect(written.policies.authentication).toHaveLength(2);
  expect(written.routes.map(({ policies }) => policies.authentication)).toEqual([0, 0, 1]);
  const [a, b] = routesOf(written);
  expect(routesOf(written)).toEqual(routes);
  expect(a?.policies.authentication).toBe(b?.policies.authentication);
});

test("settings that are alike are written once, those that differ are not", () => {
  const routes = ["x", "x", "y"].map((header, index) => named(`r${index}`, { authentication: authentication(header) }));
  expect(withSettings(routes).routes.map(({ policies }) => policies.authentication)).toEqual([0, 0, 1]);
  expect(withSettings(routes).policies.compression).toEqual(["Passthrough"]);
});

test("a policy that no route has leaves no trace, so that a data plane that does not know it takes the config", () => {
  const config = configOf({ routes: [{ policies: { deny: { clients: [], tokenIds: [], addresses: [] } } }] });
  expect(config.policies.deny).toHaveLength(1);
  expect(Object.keys(config.policies)).not.toContain("origins");
  expect(schema.safeParse({ ...config, policies: { ...config.policies, future: [{}] } }).success).toBe(false);
});

test("two long lists that are alike but not the same are never taken for each other", () => {
  const other = { ...authentication("x"), apiKey: { from: [{ header: "x" }], keys: keys.slice(0, 99) } };
  const routes = [named("a", { authentication: authentication("x") }), named("b", { authentication: other })];
  expect(withSettings(routes).routes.map(({ policies }) => policies.authentication)).toEqual([0, 1]);
});

test.each([[[]], [undefined]])("a place without settings is refused: %j", (settings) => {
  const config = configOf({ routes: [{ policies: { authentication: { require: "None" } } }] });
  expect(schema.safeParse(config).success).toBe(true);
  expect(
    schema.safeParse({ ...config, policies: { ...config.policies, authentication: settings } }).error?.issues,
  ).toMatchObject([{ path: ["routes"], message: "a route has settings that are not there" }]);
});
