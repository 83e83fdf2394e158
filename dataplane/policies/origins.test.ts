import { expect, test } from "vitest";
import type { Handshake } from "../opening-handshake.ts";
import { Memory } from "../memory.ts";
import { origins } from "./origins.ts";
import type { CompileContext } from "../policy.ts";

type OriginsSettings = Parameters<typeof origins>[0];

function verdict(
  settings: Partial<OriginsSettings>,
  origin: string | undefined,
  more: Partial<Handshake> = {},
): boolean {
  const headers = origin === undefined ? [] : [["Origin", origin] as const];
  const handshake = { headers, secure: false, authority: "a.test:8080", ...more } as Handshake;
  const policy = origins({ allow: [], sameOrigin: false, allowMissing: true, ...settings }, {
    memory: new Memory(),
  } as CompileContext);
  return policy.screen?.(handshake) === undefined;
}

const allow = ["https://app.example.com", "https://*.example.com", "http://localhost:3000", "http://[2001:db8::1]"];

test.each([
  ["https://app.example.com", true],
  ["https://app.example.com:443", true],
  ["https://APP.example.com", true],
  ["https://x.y.example.com", true],
  ["http://localhost:3000", true],
  ["http://[2001:db8::1]", true],
  ["http://[2001:db8::1]:80", true],
  ["http://[2001:db8::2]", false],
  ["https://example.com", false],
  ["https://evil.test", false],
  ["http://app.example.com", false],
  ["https://app.example.com:8443", false],
  ["https://evil.test/.example.com", false],
  ["https://evil.test?.example.com", false],
  ["https://user@x.example.com", false],
  ["https://app.example.com.evil.test", false],
  ["https://.example.com", false],
  ["http://localhost", false],
  [`https://${"a.".repeat(120)}example.com`, true],
  [`https://${"a.".repeat(300)}example.com`, false],
  ["null", false],
  ["", false],
])("origin %j: %s", (origin, admitted) => {
  expect(verdict({ allow }, origin)).toBe(admitted);
});

test("null is admitted only where it is listed", () => {
  expect(verdict({ allow: ["null"] }, "null")).toBe(true);
});

test("a handshake without Origin is as the policy says", () => {
  expect(verdict({ allow }, undefined)).toBe(true);
  expect(verdict({ allow, allowMissing: false }, undefined)).toBe(false);
});

test("the same origin is the very host and port of the handshake", () => {
  const sameOrigin = { sameOrigin: true };
  expect(verdict(sameOrigin, "http://a.test:8080")).toBe(true);
  expect(verdict(sameOrigin, "http://a.test")).toBe(false);
  expect(verdict(sameOrigin, "http://b.test:8080")).toBe(false);
  expect(verdict(sameOrigin, "http://a.test:8080", { secure: true })).toBe(false);
  expect(verdict(sameOrigin, "https://a.test", { secure: true, authority: "a.test" })).toBe(true);
  expect(verdict(sameOrigin, "https://a.test", { secure: true, authority: "a.test:443" })).toBe(true);
});
