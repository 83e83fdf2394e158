import { expect, test } from "vitest";
import type { Handshake } from "../opening-handshake.ts";
import { Memory } from "../memory.ts";
import { origins } from "./origins.ts";
import type { CompileContext } from "../policy.ts";

type OriginsSettings = Parameters<typeof origins>[0];

/** What the policy says of a handshake: undefined where it passes, else the cause of its refusal. */
function refusal(
  settings: Partial<OriginsSettings>,
  origin: string | readonly string[] | undefined,
  { cookies = [], ...more }: Partial<Handshake> & { readonly cookies?: readonly string[] } = {},
): string | undefined {
  const headers = [
    ...[origin ?? []].flat().map((value) => ["Origin", value] as const),
    ...cookies.map((value) => ["Cookie", value] as const),
  ];
  const handshake = { headers, secure: false, authority: "a.test:8080", ...more } as Handshake;
  const policy = origins({ allow: [], sameOrigin: false, ...settings }, { memory: new Memory() } as CompileContext);
  const refused = policy.screen?.(handshake);
  if (refused === undefined) return undefined;
  expect(refused.reason).toBe("OriginForbidden");
  return refused.cause ?? "";
}

function verdict(...[settings, origin, more]: Parameters<typeof refusal>): boolean {
  return refusal({ allowMissing: true, ...settings }, origin, more) === undefined;
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

test.each<[string, string, boolean]>([
  ["capacitor://localhost", "capacitor://localhost", true],
  ["capacitor://localhost", "CAPACITOR://LocalHost", true],
  ["capacitor://localhost", "capacitor://localhost:80", false],
  ["capacitor://localhost", "ionic://localhost", false],
  ["capacitor://localhost:443", "capacitor://localhost", false],
  ["ws://localhost", "ws://localhost:80", false],
  ["file://", "file://", true],
  ["file://", "file:///", false],
  ["file://", "file://x", false],
  ["file://", "null", false],
  ["chrome-extension://abcdefghijklmnopabcdefghijklmnop", "chrome-extension://abcdefghijklmnopabcdefghijklmnop", true],
  ["chrome-extension://abcdefghijklmnopabcdefghijklmnop", "chrome-extension://abcdefghijklmnopabcdefghijklmnoo", false],
  ["safari-web-extension://E5B7C5A9-1C1B", "safari-web-extension://e5b7c5a9-1c1b", true],
  ["app://.", "app://.", true],
  ["app://.", "app://", false],
  ["https://my_app.example.com", "https://my_app.example.com", true],
  ["https://*.example.com", "https://my_app.example.com", true],
  ["https://*.example.com", "https://a_b.c_d.example.com", true],
  ["https://*.example.com", "https://a.example.com.", false],
  ["https://*.example.com.", "https://a.example.com.", true],
  ["https://app.example.com", "https://app.example.com.", false],
  ["capacitor://*.example.com", "capacitor://a.example.com", true],
  ["capacitor://*.example.com", "https://a.example.com", false],
  ["http://[2001:DB8::1]:3000", "http://[2001:db8::1]:3000", true],
])("where %s is listed, origin %s: %s", (listed, origin, admitted) => {
  expect(verdict({ allow: [listed] }, origin)).toBe(admitted);
});

test("a page of an app is never of the same origin", () => {
  expect(verdict({ sameOrigin: true }, "capacitor://a.test:8080")).toBe(false);
});

const cookies: OriginsSettings["cookies"] = [{ cookie: "key" }, { cookie: "token" }];
const key = { cookies: ["key=secret"] };

test("where a cookie of the route holds the credential, the handshake must say its origin", () => {
  const settings = { allow: ["https://app.test"], cookies };
  expect(refusal(settings, undefined)).toBeUndefined();
  expect(refusal(settings, undefined, key)).toBe("the credential is in a cookie: Origin is missing");
  expect(refusal(settings, "https://app.test", key)).toBeUndefined();
  expect(refusal(settings, "https://evil.test", key)).toMatch(/^the credential is in a cookie: /);
  expect(refusal(settings, "https://evil.test")).toBe("the origin https://evil.test is not allowed");
});

test("where no origins are set, they count only for a handshake whose credential is in a cookie", () => {
  const settings = { sameOrigin: true, cookies, cookiesOnly: true };
  for (const origin of [undefined, "https://evil.test", "null", "", ["a", "b"]]) {
    expect(refusal(settings, origin)).toBeUndefined();
    expect(refusal(settings, origin, key)).toBeDefined();
  }
  expect(refusal(settings, "http://a.test:8080", key)).toBeUndefined();
});

test.each<[string, readonly string[], boolean]>([
  ["the second of two", ["a=b; token=x"], true],
  ["in a second Cookie field", ["a=b", "key=x"], true],
  ["with a space before the equals sign", ["key =x"], true],
  ["in quotes, with nothing in them", ['key=""'], true],
  ["empty, and again with a value", ["key=; key=x"], true],
  ["empty", ["key="], false],
  ["of blanks", ["key=   "], false],
  ["without a value", ["key"], false],
  ["in another case", ["KEY=x"], false],
  ["whose name is percent-encoded", ["k%65y=x"], false],
  ["of another name", ["session=x; keys=y; akey=z"], false],
  ["in the value of another", ['a="key=x"'], false],
])("a cookie %s", (_what, lines, presented) => {
  expect(refusal({ cookies }, undefined, { cookies: lines }) !== undefined).toBe(presented);
});

test("a credential that is the whole Cookie header is a cookie too", () => {
  const settings = { cookies: [{ header: "Cookie" }] };
  expect(refusal(settings, undefined, { cookies: ["anything"] })).toMatch(/Origin is missing/);
  expect(refusal(settings, undefined)).toBeUndefined();
});

test.each([true, false])("allowMissing: %s stays what it says, whatever the cookie", (allowMissing) => {
  for (const more of [{}, key]) {
    expect(refusal({ allow: ["https://a.test"], allowMissing }, undefined, more) === undefined).toBe(allowMissing);
  }
});

test.each<[string | readonly string[] | undefined, string]>([
  [undefined, "Origin is missing"],
  ["https://evil.test:8443", "the origin https://evil.test:8443 is not allowed"],
  ["null", "the origin null is not allowed"],
  ["https://user:secret@evil.test", "Origin has not the form scheme://host"],
  ["https://evil.test/?token=secret", "Origin has not the form scheme://host"],
  ["", "Origin has not the form scheme://host"],
  [`https://${"a".repeat(600)}`, "Origin is longer than 512 characters"],
  [["https://a.test", "https://a.test"], "two Origin fields"],
])("of the origin %j the log says why", (origin, cause) => {
  expect(refusal({ allow: [], allowMissing: false }, origin)).toBe(cause);
});
