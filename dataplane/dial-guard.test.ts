import type { LookupAddress } from "node:dns";
import { expect, test } from "vitest";
import { guardedLookup, mayDial, sharedResolve } from "./dial-guard.ts";

test.each([
  "192.0.2.1",
  "10.0.0.1",
  "172.16.0.1",
  "192.168.1.1",
  "100.64.0.1",
  "2001:db8::1",
  "fd00::1",
  "fc00::1",
  "::ffff:10.0.0.1",
  "64:ff9b::192.0.2.1",
])("%s may be dialled", (address) => {
  expect(mayDial(address, false)).toBe(true);
});

test.each(["127.0.0.1", "127.255.255.254", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "::ffff:7f00:1"])(
  "%s may be dialled only where loopback is permitted",
  (address) => {
    expect(mayDial(address, false)).toBe(false);
    expect(mayDial(address, true)).toBe(true);
  },
);

test.each([
  "169.254.169.254",
  "169.254.0.1",
  "::ffff:169.254.169.254",
  "::ffff:a9fe:a9fe",
  "0:0:0:0:0:ffff:a9fe:a9fe",
  "::169.254.169.254",
  "::ffff:0:169.254.169.254",
  "64:ff9b::169.254.169.254",
  "64:ff9b::a9fe:a9fe",
  "64:ff9b:1::a9fe:a9fe",
  "64:ff9b::7f00:1",
  "2002:a9fe:a9fe::1",
  "2001:0:a9fe:a9fe::1",
  "100.100.100.200",
  "168.63.129.16",
  "192.0.0.192",
  "fd00:ec2::254",
  "fd00:ec2::23",
  "fd00:c1::a9fe:a9fe",
  "fd00:a9fe:a9fe::1",
  "fd00:42::42",
  "fd00:100::100:200",
  "fd20:ce::254",
  "0.0.0.0",
  "0.1.2.3",
  "::",
  "224.0.0.1",
  "239.255.255.255",
  "240.0.0.1",
  "255.255.255.255",
  "fe80::1",
  "fe80::1%eth0",
  "febf::1",
  "fec0::1",
  "ff02::1",
  "localhost",
  "2852039166",
  "0xa9fea9fe",
  "0251.0376.0251.0376",
  "169.254.43518",
  "",
])("%s is never dialled", (address) => {
  expect(mayDial(address, false)).toBe(false);
  expect(mayDial(address, true)).toBe(false);
});

const answer = (...addresses: string[]): LookupAddress[] =>
  addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));

function look(addresses: LookupAddress[], all: boolean): unknown {
  let outcome: unknown;
  const lookup = guardedLookup(false, (_, done) => done(null, addresses));
  lookup("idp.test", { all }, (error, address) => (outcome = error === null ? address : "refused"));
  return outcome;
}

test("a name is dialled at the addresses that were checked", () => {
  const addresses = answer("192.0.2.1", "2001:db8::1");
  expect(look(addresses, true)).toEqual(addresses);
  expect(look(addresses, false)).toBe("192.0.2.1");
});

test.each([[["192.0.2.1", "169.254.169.254"]], [["127.0.0.1"]], [[]]])(
  "a name with the addresses %j is not dialled at all",
  (addresses: string[]) => {
    expect(look(answer(...addresses), true)).toBe("refused");
    expect(look(answer(...addresses), false)).toBe("refused");
  },
);

test("a name that does not resolve is an error like any other", () => {
  let failed: unknown;
  const lookup = guardedLookup(false, (_, done) => done(new Error("ENOTFOUND"), []));
  lookup("idp.test", { all: true }, (error) => (failed = error));
  expect(failed).toBeInstanceOf(Error);
});

test("calls that wait for one name share a lookup; a later call looks it up again", () => {
  const asked: { name: string; answer: () => void }[] = [];
  const resolve = sharedResolve((name, done) => {
    asked.push({ name, answer: () => done(null, answer("192.0.2.1")) });
  });
  const answered: string[] = [];
  for (const name of ["a.test", "a.test", "b.test", "a.test"]) resolve(name, () => answered.push(name));
  expect(asked.map(({ name }) => name)).toEqual(["a.test", "b.test"]);
  asked[0]?.answer();
  expect(answered).toEqual(["a.test", "a.test", "a.test"]);
  resolve("a.test", () => answered.push("later"));
  expect(asked.map(({ name }) => name)).toEqual(["a.test", "b.test", "a.test"]);
  asked[2]?.answer();
  expect(answered.at(-1)).toBe("later");
});
