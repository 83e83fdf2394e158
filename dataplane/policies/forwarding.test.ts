import { expect, test } from "vitest";
import { RESERVED_HEADERS } from "../../api/policies/forwarding.ts";
import { routesOf } from "../../api/route-settings.ts";
import { configOf } from "../../test/fakes/config.ts";
import { apiKeyPolicy } from "../../test/fakes/oracle.ts";
import { Memory } from "../memory.ts";
import { compileForwarding, type CompiledForwarding } from "./forwarding.ts";

function compiled(
  forwarding: object = {},
  authentication: object = apiKeyPolicy([{ header: "X.Api_Key" }, { query: "k" }]),
): CompiledForwarding {
  const [route] = routesOf(
    configOf({ routes: [{ policies: { forwarding, authentication }, rewrite: { path: "/ws" } }] }),
  );
  if (route === undefined) throw new Error("no route");
  return compileForwarding(route, new Memory());
}

test("names are compared folded, and whatever the gateway speaks under is dropped", () => {
  const { dropped, allowed } = compiled({
    headers: { allow: ["X_Mine"], remove: ["X.Gone"], set: [{ name: "X_Env", value: "prod" }] },
    clientHeader: "X.User",
    claimHeaders: [{ claim: "t", header: "X_Tenant" }],
  });
  const ours = ["x-gone", "x-env", "x-user", "x-tenant", "x-api-key"];
  for (const name of [...RESERVED_HEADERS, ...ours, "forwarded", "x-real-ip", "expect", "http2-settings"]) {
    expect(dropped.has(name), name).toBe(true);
  }
  expect(dropped.has("x-wsproxy-client")).toBe(false);
  expect(allowed).toEqual(new Set(["x-mine"]));
});

test("without rules everything of the client's own is allowed", () => {
  expect(compiled()).toMatchObject({ allowed: undefined, queryAllowed: undefined, set: [], rewrite: "/ws" });
});

test("keepCredentials leaves credentials in every place", () => {
  expect(compiled().credentialQuery).toEqual(new Set(["k"]));
  const kept = compiled({ keepCredentials: true });
  expect(kept.dropped.has("x-api-key")).toBe(false);
  expect(kept.credentialQuery.size).toBe(0);
});
