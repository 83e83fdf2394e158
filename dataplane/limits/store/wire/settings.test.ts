import { expect, test } from "vitest";
import { loginOf, sameWay, targetOf, type Settings } from "./settings.ts";

const settings: Settings = {
  address: "valkey.demo.svc:6379",
  tls: { serverName: "valkey.demo.svc", caSecretName: "ca", ca: "PEM" },
  credentialsSecretName: "login",
  credentials: { username: "gateway", password: "secret" },
  resolved: true,
};

test.each([
  ["valkey.demo.svc:6379", "valkey.demo.svc", 6379],
  ["[2001:db8::1]:6380", "2001:db8::1", 6380],
  ["2001:db8::1:6380", "2001:db8::1", 6380],
  ["10.0.0.1:1", "10.0.0.1", 1],
])("%s is a host and a port", (address, host, port) => {
  expect(targetOf(address)).toEqual({ host, port });
});

test("settings that reach the store in the same way are the same, whatever their Secrets are called", () => {
  expect(sameWay(settings, structuredClone(settings))).toBe(true);
  const renamed = { ...settings, credentialsSecretName: "other", tls: { serverName: "valkey.demo.svc", ca: "PEM" } };
  expect(sameWay(settings, renamed)).toBe(true);
  const refusing = { ...settings, whenUnavailable: "Refuse" };
  expect(sameWay(settings, refusing)).toBe(true);
});

test.each<[string, Partial<Settings>]>([
  ["address", { address: "valkey.demo.svc:6380" }],
  ["name", { tls: { serverName: "other", ca: "PEM" } }],
  ["authority", { tls: { serverName: "valkey.demo.svc" } }],
  ["user", { credentials: { username: "", password: "secret" } }],
  ["password", { credentials: { username: "gateway", password: "other" } }],
  ["Secret that could be resolved", { resolved: false }],
])("another %s is another way", (_what, change) => {
  expect(sameWay(settings, { ...settings, ...change })).toBe(false);
});

test("without a user name the login is the default user's", () => {
  expect(loginOf(settings)).toEqual({ username: "gateway", password: "secret" });
  expect(loginOf({ ...settings, credentials: { username: "", password: "secret" } })).toEqual({ password: "secret" });
  expect(loginOf({ address: "a:1", resolved: true })).toEqual({});
});
