import { expect, test } from "vitest";
import { AddressList } from "./address-list.ts";
import { addressSubject, clientOrigin } from "./addresses.ts";
import type { HeaderField } from "./http/header-fields.ts";

test("an IPv6 client counts by its /64, an IPv4 client by its address", () => {
  expect(addressSubject("192.0.2.1")).toBe("192.0.2.1");
  expect(addressSubject("2001:db8:1:2:3:4:5:6")).toBe(addressSubject("2001:db8:1:2::9"));
  expect(addressSubject("2001:db8:1:2::9")).not.toBe(addressSubject("2001:db8:1:3::9"));
  expect(addressSubject("::1")).toBe("0:0:0:0::/64");
});

test("IPv4 clients behind NAT64 are counted one by one, though all are in one /64", () => {
  expect(addressSubject("64:ff9b::c000:201")).not.toBe(addressSubject("64:ff9b::c000:202"));
  expect(addressSubject("64:ff9b:1:2:3:4:5:6")).toBe(addressSubject("64:ff9b:1:2::9"));
});

const trusted = new AddressList(["10.0.0.0/8"]);
const origin = (peer: string, ...headers: HeaderField[]) => clientOrigin(peer, false, headers, trusted);

test("X-Forwarded-For of a peer that is not trusted is not believed", () => {
  expect(origin("192.0.2.1", ["X-Forwarded-For", "1.1.1.1"])).toEqual({ address: "192.0.2.1", secure: false });
});

test.each<[string, HeaderField[], string]>([
  ["one entry", [["X-Forwarded-For", "198.51.100.1"]], "198.51.100.1"],
  ["what the client made up to the left", [["X-Forwarded-For", "1.1.1.1, 198.51.100.1"]], "198.51.100.1"],
  ["another trusted proxy on the way", [["X-Forwarded-For", "198.51.100.1, 10.2.2.2"]], "198.51.100.1"],
  [
    "several lines",
    [
      ["X-Forwarded-For", "198.51.100.1"],
      ["x-forwarded-for", "10.2.2.2"],
    ],
    "198.51.100.1",
  ],
  ["a port", [["X-Forwarded-For", "198.51.100.1:4711"]], "198.51.100.1"],
  ["IPv6 with a port", [["X-Forwarded-For", "[2001:db8::1]:4711"]], "2001:db8::1"],
  ["a mapped address", [["X-Forwarded-For", "::ffff:198.51.100.1"]], "198.51.100.1"],
  ["a mapped address of a trusted proxy", [["X-Forwarded-For", "2001:db8::1, ::ffff:10.2.2.2"]], "2001:db8::1"],
  ["no address", [["X-Forwarded-For", "198.51.100.1, unknown"]], "10.1.1.1"],
  ["nothing", [], "10.1.1.1"],
])("behind a trusted proxy, %s", (_what, headers, address) => {
  expect(origin("10.1.1.1", ...headers).address).toBe(address);
});

test("of a chain the last 64 entries are looked at: further left the last trusted proxy is believed to be the client", () => {
  const chain = (proxies: number): string => ["198.51.100.1", ...Array<string>(proxies).fill("10.2.2.2")].join(", ");
  expect(origin("10.1.1.1", ["X-Forwarded-For", chain(63)]).address).toBe("198.51.100.1");
  expect(origin("10.1.1.1", ["X-Forwarded-For", chain(64)]).address).toBe("10.2.2.2");
  expect(origin("10.1.1.1", ["X-Forwarded-For", chain(1600)]).address).toBe("10.2.2.2");
});

test.each([
  ["an entry of 16 kB", "[".repeat(16_000)],
  ["an entry of percent signs", "%".repeat(16_000)],
  ["a chain of commas", ",".repeat(16_000)],
  ["a comma in front", ",10.2.2.2"],
])("%s ends the walk", (_what, value) => {
  expect(origin("10.1.1.1", ["X-Forwarded-For", value]).address).toMatch(/^10\.(1\.1\.1|2\.2\.2)$/);
});

test.each<[string, string[], number | undefined]>([
  ["a port", ["8443"], 8443],
  ["the highest port", ["65535"], 65_535],
  ["no field", [], undefined],
  ["an empty field", [""], undefined],
  ["port 0", ["0"], undefined],
  ["a port too high", ["65536"], undefined],
  ["a number of thousands of digits", ["4".repeat(8000)], undefined],
  ["a sign", ["+443"], undefined],
  ["a leading zero", ["0443"], undefined],
  ["hexadecimal digits", ["0x1bb"], undefined],
  ["an exponent", ["4e2"], undefined],
  ["a name", ["https"], undefined],
  ["digits of another script", ["\u0664\u0664\u0663"], undefined],
  ["a list of two ports", ["443, 8443"], undefined],
  ["two fields with two ports", ["443", "8443"], undefined],
  ["a list with another text", ["8443, x"], undefined],
  ["a list of one port", ["8443, 8443"], 8443],
  ["two fields with one port", ["8443", "8443"], 8443],
  ["a port beside empty elements", [" ,8443,", ""], 8443],
  ["a list of thousands of ports", [Array<string>(3000).fill("443").join()], undefined],
])("of X-Forwarded-Port of a trusted proxy, %s is believed as far as it is one port", (_what, values, port) => {
  const headers = values.map((value): HeaderField => ["X-Forwarded-Port", value]);
  expect(origin("10.1.1.1", ...headers).port).toBe(port);
  expect(origin("192.0.2.1", ...headers).port).toBeUndefined();
});

test("X-Forwarded-Proto of a trusted proxy says whether the client's side is TLS", () => {
  expect(origin("10.1.1.1", ["X-Forwarded-Proto", "https"]).secure).toBe(true);
  expect(origin("10.1.1.1", ["X-Forwarded-Proto", "http, wss"]).secure).toBe(true);
  expect(origin("10.1.1.1", ["X-Forwarded-Proto", "https, , "]).secure).toBe(true);
  expect(origin("10.1.1.1", ["X-Forwarded-Proto", ""]).secure).toBe(false);
  expect(origin("192.0.2.1", ["X-Forwarded-Proto", "https"]).secure).toBe(false);
});
