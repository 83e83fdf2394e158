import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { foldHeaderName } from "../../api/names.ts";
import { RESERVED_HEADERS } from "../../api/policies/header-names.ts";
import { routesOf } from "../../api/route-settings.ts";
import { configOf } from "../../test/fakes/config.ts";
import { apiKeyPolicy } from "../../test/fakes/oracle.ts";
import { Memory } from "../memory.ts";
import { CLAIMED_HEADERS, isClaimed } from "./claimed-headers.ts";
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

test.each(Object.entries(CLAIMED_HEADERS))("%s is what only a proxy may say (%s)", (name) => {
  expect(name).toBe(foldHeaderName(name));
  const written = name.endsWith("*") ? [name.replace("*", "user"), name.replace("*", "a-b-c-d-e-f")] : [name];
  for (const one of written) expect(isClaimed(one), one).toBe(true);
});

test.each([
  ...[
    "x-forwarded",
    "forwarded-user",
    "my-x-forwarded-user",
    "x-client",
    "x-client-ipv6",
    "proxy-x",
    "x-proxy",
    "x-trace",
  ],
  ...["user-agent", "origin", "cookie", "authorization", "x-api-key", "x-user-id", "remote", "x-amzn-trace-id", ""],
])("%j is a header like any other", (name) => {
  expect(isClaimed(name)).toBe(false);
});

test("the page of these headers has the rows of the table", () => {
  const page = readFileSync(new URL("../../docs/reference/forwarded-headers.md", import.meta.url), "utf8");
  const rows = [...page.matchAll(/^\| `(.*)` \| (.*) \|$/gm)].map(([, name, writer]) => [name, writer]);
  expect(rows).toEqual(Object.entries(CLAIMED_HEADERS));
  for (const name of [...compiled().dropped]) {
    if (/^(forwarded|x-(forwarded|original|rewrite|real)-)/.test(name))
      expect(page.toLowerCase()).toContain(`\`${name}\``);
  }
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
