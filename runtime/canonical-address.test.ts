import { expect, test } from "vitest";
import { canonicalAddress } from "./canonical-address.ts";

test.each([
  ["192.0.2.1", "192.0.2.1"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["::FFFF:c000:0201", "192.0.2.1"],
  ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
  ["fe80::1%eth0", "fe80::1"],
  ["0000:0000:0000:0000:0000:ffff:192.168.100.100", "192.168.100.100"],
  [`::1${" ".repeat(50)}`, undefined],
  ["192.0.2.256", undefined],
  ["0300.0.2.1", undefined],
  ["3221225985", undefined],
  ["", undefined],
])("%s in one spelling is %s", (text, canonical) => {
  expect(canonicalAddress(text)).toBe(canonical);
});
