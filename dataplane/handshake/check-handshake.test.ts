import { expect, test } from "vitest";
import { leastTime } from "../../test/fakes/least-time.ts";
import { AddressList } from "../address-list.ts";
import type { Arrival } from "../arrival.ts";
import { checkHandshake } from "./check-handshake.ts";

const BASE: readonly (readonly [string, string])[] = [
  ["Host", "a.test"],
  ["Connection", "Upgrade"],
  ["Upgrade", "websocket"],
  ["Sec-WebSocket-Version", "13"],
  ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
];

const NONE_TRUSTED = new AddressList([]);

type Change = Partial<Arrival> & {
  /** Replaces, adds (several values: several lines) or, with none, removes a field. */
  fields?: Record<string, string[]>;
};

function check({ fields = {}, ...arrival }: Change = {}, trusted = NONE_TRUSTED) {
  const changed = new Set(Object.keys(fields).map((name) => name.toLowerCase()));
  const headers = [
    ...BASE.filter(([name]) => !changed.has(name.toLowerCase())),
    ...Object.entries(fields).flatMap(([name, values]) => values.map((value) => [name, value] as const)),
  ];
  const request = { method: "GET", target: "/ws", httpVersion: "1.1", peer: "192.0.2.1", encrypted: false };
  return checkHandshake({ ...request, rawHeaders: headers.flat(), ...arrival }, trusted);
}

test("a handshake as RFC 6455 §1.3 shows it passes", () => {
  expect(check()).toMatchObject({
    key: "dGhlIHNhbXBsZSBub25jZQ==",
    deferred: undefined,
    handshake: { host: "a.test", path: "/ws" },
  });
});

test.each<[string, Change]>([
  ["64 Connection options", { fields: { Connection: [`Upgrade${", a".repeat(63)}`] } }],
  ["a Connection field with more in it", { fields: { Connection: ["keep-alive, Upgrade"] } }],
  ["names and tokens in another case", { fields: { CONNECTION: ["UPGRADE"], UPGRADE: ["WebSocket"] } }],
  ["a Content-Length of 0", { fields: { "Content-Length": ["0"] } }],
  ["subprotocols over two lines", { fields: { "Sec-WebSocket-Protocol": ["a", "b, c"] } }],
  ["an extension with a quoted value", { fields: { "Sec-WebSocket-Extensions": ['x; y="8"'] } }],
])("%s passes", (_what, change) => {
  expect(check(change)).toMatchObject({ deferred: undefined });
});

test.each<[string, string[], string[]]>([
  ["a gap", ["a, , b"], ["a", "b"]],
  ["a comma in front", [",a"], ["a"]],
  ["a comma at the end", ["a,"], ["a"]],
  ["tabs between commas", ["a,\t,\t b ,"], ["a", "b"]],
  ["an empty line", ["", "a"], ["a"]],
  ["an empty field", [""], []],
  ["commas alone", [" , ,", ","], []],
])("of a list of subprotocols with %s the empty elements are ignored", (_what, lines, protocols) => {
  const checked = check({ fields: { "Sec-WebSocket-Protocol": lines } });
  expect(checked).toMatchObject({ deferred: undefined, handshake: { protocols } });
});

test.each<[string, string[], string | undefined]>([
  ["a gap", ["permessage-deflate,,x"], "permessage-deflate, x"],
  [
    "a comma in front",
    [", permessage-deflate; server_max_window_bits=8"],
    "permessage-deflate; server_max_window_bits=8",
  ],
  ["a comma at the end", ["x,", "y,"], "x, y"],
  ["an empty field", [""], undefined],
  ["commas alone", [",,", " "], undefined],
])("of a list of extensions with %s the empty elements are ignored", (_what, lines, extensions) => {
  const checked = check({ fields: { "Sec-WebSocket-Extensions": lines } });
  expect(checked).toMatchObject({ deferred: undefined, handshake: { extensions } });
});

test.each<[string, Change]>([
  ["Upgrade", { fields: { Upgrade: [",websocket ,"] } }],
  ["Upgrade, over two lines", { fields: { Upgrade: ["", "websocket"] } }],
  ["Connection", { fields: { Connection: [", ,Upgrade,"] } }],
])("empty elements of %s are ignored", (_name, change) => {
  expect(check(change)).toMatchObject({ deferred: undefined });
});

test("empty elements count against the bounds of the lists", () => {
  const lists = (name: string, value: string) => check({ fields: { [name]: [value] } });
  expect(lists("Sec-WebSocket-Protocol", `a${",".repeat(63)}`)).toHaveProperty("handshake");
  for (const [name, value] of [
    ["Sec-WebSocket-Protocol", `a${",".repeat(64)}`],
    ["Sec-WebSocket-Protocol", ",".repeat(16_000)],
    ["Sec-WebSocket-Extensions", ",".repeat(1025)],
    ["Upgrade", `websocket${",".repeat(64)}`],
    ["Connection", `Upgrade${",".repeat(64)}`],
  ] as const) {
    expect(lists(name, value), name).toMatchObject({ reason: "BadHandshake" });
    expect(leastTime(() => void lists(name, value))).toBeLessThan(5);
  }
});

test.each<[string, string, string]>([
  ["http://A.test/ws?x=1", "a.test", "/ws"],
  ["ws://a.test:80", "a.test", "/"],
])("%s with the Host %s is what the origin form would be", (target, host, path) => {
  expect(check({ target, fields: { Host: [host] } })).toMatchObject({ handshake: { host, authority: host, path } });
});

test.each<[string, string[]]>([
  ["another Host", ["b.test"]],
  ["two Hosts", ["a.test", "a.test"]],
  ["no Host", []],
])("an absolute target with %s is ambiguous", (_what, hosts) => {
  expect(check({ target: "http://a.test/ws", fields: { Host: hosts } })).toMatchObject({ reason: "AmbiguousTarget" });
});

const TRUSTED = new AddressList(["192.0.2.1"]);

test.each<[string, string, Record<string, string[]>, boolean, number]>([
  ["Host's", "a.test:30080", {}, false, 30_080],
  ["Host's, behind an address in brackets", "[::1]:8443", {}, true, 8443],
  ["80 for ws without a port", "a.test", {}, false, 80],
  ["80 for ws to an address in brackets", "[2001:db8::443]", {}, false, 80],
  ["443 for wss without a port", "a.test", {}, true, 443],
  ["80 where Host says 0", "a.test:0", {}, false, 80],
  ["443 where the trusted proxy ended TLS", "a.test", { "X-Forwarded-Proto": ["https"] }, false, 443],
  ["80 where the trusted proxy says http", "a.test", { "X-Forwarded-Proto": ["http"] }, true, 80],
  ["the trusted proxy's", "a.test", { "X-Forwarded-Proto": ["https"], "X-Forwarded-Port": ["8443"] }, false, 8443],
  ["the trusted proxy's, before Host's", "a.test:8080", { "X-Forwarded-Port": ["443"] }, false, 443],
  ["Host's where the proxy's is none", "a.test:8080", { "X-Forwarded-Port": ["443,80"] }, false, 8080],
])("the port that the client used is %s", (_what, host, said, encrypted, port) => {
  expect(check({ encrypted, fields: { Host: [host], ...said } }, TRUSTED)).toMatchObject({ handshake: { port } });
});

test.each<[string, Change]>([
  ["no version", { fields: { "Sec-WebSocket-Version": [] } }],
  ["two version lines", { fields: { "Sec-WebSocket-Version": ["13", "4444"] } }],
  ["a list of versions", { fields: { "Sec-WebSocket-Version": ["13, 8"] } }],
  ["no key", { fields: { "Sec-WebSocket-Key": [] } }],
  ["a short key", { fields: { "Sec-WebSocket-Key": ["AAAA"] } }],
  ["two keys", { fields: { "Sec-WebSocket-Key": ["dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=="] } }],
  ["a key of 25 bytes", { fields: { "Sec-WebSocket-Key": [Buffer.alloc(25).toString("base64")] } }],
  ["a key with stray bits", { fields: { "Sec-WebSocket-Key": ["dGhlIHNhbXBsZSBub25jZR=="] } }],
  ["a body by length", { fields: { "Content-Length": ["5"] } }],
  ["a body in chunks", { fields: { "Transfer-Encoding": ["chunked"] } }],
  ["another protocol", { fields: { Upgrade: ["h2c"], Connection: ["Upgrade, HTTP2-Settings"] } }],
  ["two protocols in a line", { fields: { Upgrade: ["websocket, h2c"] } }],
  ["two Upgrade lines", { fields: { Upgrade: ["websocket", "h2c"] } }],
  ["65 Connection options", { fields: { Connection: [`Upgrade${", a".repeat(64)}`] } }],
  ["65 Connection options in two lines", { fields: { Connection: [`Upgrade${", a".repeat(32)}`, "b,".repeat(31)] } }],
  ["a Host of 8,000 labels", { fields: { Host: ["a.".repeat(8000)] } }],
  ["HTTP/1.0", { httpVersion: "1.0" }],
  ["no Host", { fields: { Host: [] } }],
  ["an empty Host", { fields: { Host: [""] } }],
  ["a subprotocol twice", { fields: { "Sec-WebSocket-Protocol": ["a, a"] } }],
  [
    "300 subprotocols",
    { fields: { "Sec-WebSocket-Protocol": [Array.from({ length: 300 }, (_, n) => `p${n}`).join(",")] } },
  ],
  ["an extension that is no token", { fields: { "Sec-WebSocket-Extensions": ["a b"] } }],
  ["an extension without end", { fields: { "Sec-WebSocket-Extensions": ['a; b="c'] } }],
])("%s is a bad handshake", (_what, change) => {
  expect(check(change)).toMatchObject({ reason: "BadHandshake" });
});

test("8 kB of escapes in an extension are refused in less than 5 ms", () => {
  const change = { fields: { "Sec-WebSocket-Extensions": [`a; b="${"\\c".repeat(4000)}`] } };
  expect(check(change)).toMatchObject({ reason: "BadHandshake" });
  expect(leastTime(() => void check(change))).toBeLessThan(5);
});

test("two Host lines are ambiguous", () => {
  expect(check({ fields: { Host: ["a.test", "b.test"] } })).toMatchObject({ reason: "AmbiguousTarget" });
});

test.each(["POST", "HEAD", "OPTIONS", "CONNECT"])("%s is not allowed", (method) => {
  expect(check({ method })).toMatchObject({ reason: "MethodNotAllowed" });
});

test.each<[string, string, Change]>([
  ["version 4444", "VersionUnsupported", { fields: { "Sec-WebSocket-Version": ["4444"] } }],
  ["version 8", "VersionUnsupported", { fields: { "Sec-WebSocket-Version": ["8"] } }],
  ["no Connection", "UpgradeRequired", { fields: { Connection: [] } }],
  ["no Upgrade", "UpgradeRequired", { fields: { Upgrade: [] } }],
  [
    "version 7 of an old draft",
    "UpgradeRequired",
    { fields: { "Sec-WebSocket-Version": ["7"], Upgrade: [], Connection: [] } },
  ],
])("%s is answered %s, once the rest has been checked", (_what, reason, change) => {
  expect(check(change)).toMatchObject({ deferred: { reason } });
});

test("128 fields pass, 129 are too many; 16 KiB are too large", () => {
  const filler = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`x-${n}`, ["v"]]));
  expect(check({ fields: filler(123) })).toHaveProperty("handshake");
  expect(check({ fields: filler(124) })).toMatchObject({ reason: "HeadersTooLarge" });
  expect(check({ fields: { "x-large": ["v".repeat(16_384)] } })).toMatchObject({ reason: "HeadersTooLarge" });
});

test("a sane X-Request-Id is kept, any other replaced", () => {
  const id = (values: string[]) => {
    const checked = check({ fields: { "X-Request-Id": values } });
    return "handshake" in checked ? checked.handshake.requestId : undefined;
  };
  expect(id(["abcdefgh-1"])).toBe("abcdefgh-1");
  expect(id(["7"])).toBe("7");
  for (const values of [
    ["a b"],
    ["x".repeat(200)],
    ["abcdefgh-1", "abcdefgh-2"],
    ["\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"],
  ]) {
    expect(id(values)).toMatch(/^[0-9a-f-]{36}$/);
  }
});

test("64 subprotocols pass, 65 are too many; 1,024 characters of extensions pass, one more is too long", () => {
  const names = (count: number) => ({
    "Sec-WebSocket-Protocol": [Array.from({ length: count }, (_, n) => `p${n}`).join()],
  });
  expect(check({ fields: names(64) })).toHaveProperty("handshake");
  expect(check({ fields: names(65) })).toMatchObject({ reason: "BadHandshake" });
  const extension = (length: number) => ({ "Sec-WebSocket-Extensions": ["x".repeat(length)] });
  expect(check({ fields: extension(1024) })).toHaveProperty("handshake");
  expect(check({ fields: extension(1025) })).toMatchObject({ reason: "BadHandshake" });
});
