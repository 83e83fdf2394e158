import { BlockList, isIPv6 } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import { leastTime } from "../test/fakes/least-time.ts";
import { AddressList } from "./address-list.ts";
import { canonicalAddress } from "../runtime/canonical-address.ts";

test("a list holds addresses and blocks of both families", () => {
  const list = new AddressList(["10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "::ffff:203.0.113.0/120"]);
  for (const address of ["10.255.0.1", "192.0.2.7", "2001:db8:ffff::1", "203.0.113.9"])
    expect(list.has(address)).toBe(true);
  for (const address of ["11.0.0.1", "192.0.2.8", "2001:db9::1", "203.0.114.9"]) expect(list.has(address)).toBe(false);
});

test.each(["::ffff:203.0.113.0/120", "::ffff:cb00:7100/120", "0:0:0:0:0:ffff:203.0.113.0/120", "203.0.113.0/24"])(
  "%s is a block of IPv4",
  (entry) => {
    const list = new AddressList([entry]);
    expect([list.has("203.0.113.9"), list.has("203.0.114.9"), list.has("::1")]).toEqual([true, false, false]);
  },
);

test("a block of all addresses of one family holds none of the other", () => {
  const [six, four] = [new AddressList(["::/0"]), new AddressList(["0.0.0.0/0"])];
  expect([six.has("2001:db8::1"), six.has("192.0.2.1")]).toEqual([true, false]);
  expect([four.has("2001:db8::1"), four.has("192.0.2.1")]).toEqual([false, true]);
  expect(new AddressList(["::ffff:0:0/96"]).has("192.0.2.1")).toBe(true);
});

test("an address is found in whatever way it is written", () => {
  const list = new AddressList(["192.0.2.7", "fe80::1%eth0", "::203.0.113.9"]);
  for (const address of ["::ffff:192.0.2.7", "::FFFF:c000:0207", "fe80::1%eth1", "FE80:0::0:1", "::cb00:7109"])
    expect(list.has(address)).toBe(true);
});

test.each(["", "1.2.3", "1.2.3.4.5", "1.2.3.4/33", "::1/129", "::1/x", "name"])("%j is no entry", (entry) => {
  expect(() => new AddressList([entry])).toThrow(/malformed|longer/);
});

test("a text that is no address is in no list", () => {
  expect(() => new AddressList(["::1"]).has("unknown")).toThrow("malformed");
});

/** Few different bytes, so that entries and addresses meet. */
const byte = fc.constantFrom(0, 1, 127, 128, 254, 255);
const ipv4 = fc.array(byte, { minLength: 4, maxLength: 4 }).map((bytes) => bytes.join("."));
const group = fc.constantFrom("0", "1", "7fff", "8000", "fffe", "ffff", "FFFF", "db8");
const ipv6 = fc.oneof(
  fc.array(group, { minLength: 8, maxLength: 8 }).map((groups) => groups.join(":")),
  fc
    .tuple(fc.array(group, { maxLength: 3 }), fc.array(group, { maxLength: 3 }))
    .map(([a, b]) => `${a.join(":")}::${b.join(":")}`),
  fc
    .tuple(fc.constantFrom("::", "::ffff:", "64:ff9b::", "0:0:0:0:0:ffff:", "1::"), ipv4)
    .map(([head, tail]) => head + tail),
);
const address = fc.oneof(ipv4, ipv6);
const entry = fc.oneof(
  address,
  fc.tuple(ipv4, fc.integer({ min: 0, max: 32 })).map(([text, bits]) => `${text}/${bits}`),
  fc.tuple(ipv6, fc.integer({ min: 0, max: 128 })).map(([text, bits]) => `${text}/${bits}`),
);

/** The same list as Node has it: one for each family, in one spelling. */
function blockList(entries: readonly string[]): (address: string) => boolean {
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  const family = (text: string): "ipv4" | "ipv6" => (isIPv6(text) ? "ipv6" : "ipv4");
  for (const item of entries) {
    const [text = "", bits] = item.split("/");
    const canonical = canonicalAddress(text) ?? text;
    const kind = family(canonical);
    const prefix =
      bits === undefined ? (kind === "ipv6" ? 128 : 32) : Number(bits) - (kind === "ipv4" && isIPv6(text) ? 96 : 0);
    lists[kind].addSubnet(canonical, Math.max(0, prefix), kind);
  }
  return (text) => {
    const canonical = canonicalAddress(text) ?? text;
    return lists[family(canonical)].check(canonical, family(canonical));
  };
}

test("a list agrees with Node's BlockList", () => {
  fc.assert(
    fc.property(
      fc.array(entry, { maxLength: 12 }),
      fc.array(address, { minLength: 1, maxLength: 12 }),
      (entries, asked) => {
        const [ours, nodes] = [new AddressList(entries), blockList(entries)];
        expect(asked.map((it) => ours.has(it))).toEqual(asked.map((it) => nodes(it)));
      },
    ),
    { numRuns: 2000 },
  );
});

test("a lookup takes as long among 10,000 entries as among ten", () => {
  const list = (size: number): AddressList =>
    new AddressList(Array.from({ length: size }, (_, n) => `10.${n >> 8}.${n & 255}.0/24`));
  const cost = (of: AddressList): number =>
    leastTime(() => {
      for (let n = 0; n < 20_000; n += 1) of.has(`192.0.${(n >> 8) & 255}.${n & 255}`);
    }, 9);
  const [few, many] = [list(10), list(10_000)];
  cost(few);
  expect(cost(many)).toBeLessThan(10 * cost(few));
});
