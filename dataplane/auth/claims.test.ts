import { expect, test } from "vitest";
import { clientOf, unmet, type Claims } from "./claims.ts";

test.each<[unknown, string | undefined]>([
  [12_345, "12345"],
  [0, "0"],
  [-7, "-7"],
  [Number.MAX_SAFE_INTEGER, "9007199254740991"],
  [2 ** 53, undefined],
  [1e21, undefined],
  [1.5, undefined],
  [1e-7, undefined],
  [Number.POSITIVE_INFINITY, undefined],
  [true, undefined],
  [[7], undefined],
  ["12345", "12345"],
])("the client id in a claim that is %j: %j", (sub, wanted) => {
  expect(clientOf({ sub }, "sub")).toBe(wanted);
});

const met = (claims: Claims, claim: object): boolean =>
  unmet(claims, { requiredScopes: [], requiredClaims: [{ values: ["chat", "7", "1.5"], ...claim }] }) === undefined;

const keycloak = { realm_access: { roles: ["offline_access", "chat"] } };

test.each<[string, Claims, object, boolean]>([
  ["a list in an object", keycloak, { path: ["realm_access", "roles"] }, true],
  ["a text in objects", { a: { b: { c: "chat" } } }, { path: ["a", "b", "c"] }, true],
  ["one name", { tenant: "chat" }, { path: ["tenant"] }, true],
  ["a claim that is not there", keycloak, { path: ["realm_access", "groups"] }, false],
  ["a path that goes on behind a text", { a: "chat" }, { path: ["a", "b"] }, false],
  ["a path that goes on behind null", { a: null }, { path: ["a", "b"] }, false],
  ["a path that ends at an object", keycloak, { path: ["realm_access"] }, false],
  ["a path into a list", { a: ["chat"] }, { path: ["a", "0"] }, false],
  ["a path to objects in a list", { a: [{ b: "chat" }] }, { path: ["a", "b"] }, false],
  ["the length of a list", { a: [1, 2, 3, 4, 5, 6, 7] }, { path: ["a", "length"] }, false],
  ["what every object inherits", { a: {} }, { path: ["a", "constructor", "name"] }, false],
  ["a prototype", JSON.parse('{"a":{"__proto__":{"b":"chat"}}}') as Claims, { path: ["a", "b"] }, false],
  ["a member called __proto__", JSON.parse('{"a":{"__proto__":"chat"}}') as Claims, { path: ["a", "__proto__"] }, true],
  ["a name with dots is no path", { realm_access: { roles: "chat" } }, { name: "realm_access.roles" }, false],
  ["a name with dots", { "realm_access.roles": "chat" }, { name: "realm_access.roles" }, true],
  ["a name that is a URL", { "https://example.com/roles": ["chat"] }, { name: "https://example.com/roles" }, true],
  ["a name with a colon", { "cognito:groups": ["chat"] }, { name: "cognito:groups" }, true],
  ["a number", { tenant: 7 }, { name: "tenant" }, true],
  ["a number with a fraction", { tenant: 1.5 }, { name: "tenant" }, true],
])("a required claim, %s: $3", (_, claims, claim, wanted) => {
  expect(met(claims, claim)).toBe(wanted);
});

test("a number of which two texts are one is no value", () => {
  for (const text of ["9007199254740993", "9007199254740992", "1e21", "1e400"]) {
    const claims = JSON.parse(`{"tenant":${text}}`) as Claims;
    expect(met(claims, { name: "tenant", values: [text, String(claims["tenant"])] })).toBe(false);
  }
});
