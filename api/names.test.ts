import { isIP } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cidr, objectName, path } from "./names.ts";

describe("an address or CIDR block", () => {
  const groups = fc.array(fc.constantFrom("", "0", "1", "ff", "FFFF", "12345", "g", "1.2.3.4"), { maxLength: 9 });
  const octets = fc.array(fc.constantFrom("0", "1", "10", "01", "255", "256", ""), { minLength: 3, maxLength: 5 });
  const address = fc.oneof(
    groups.map((parts) => parts.join(":")),
    octets.map((parts) => parts.join(".")),
    fc.ipV4(),
    fc.ipV6(),
  );

  test("is an address exactly where Node says so", () => {
    fc.assert(
      fc.property(address, (text) => {
        expect([text, cidr.safeParse(text).success]).toEqual([text, isIP(text) !== 0 && text.length <= 49]);
      }),
      { numRuns: 2000 },
    );
  });

  test("is a block where the prefix fits the family", () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.integer({ min: -1, max: 140 }), (text, bits) => {
        const fits = bits >= 0 && bits <= (isIP(text) === 4 ? 32 : 128);
        expect([text, bits, cidr.safeParse(`${text}/${bits}`).success]).toEqual([text, bits, fits]);
      }),
    );
  });
});

test("a path that is taken has one reading only", () => {
  const part = fc.constantFrom(
    "/",
    ".",
    "..",
    "%2e",
    "%2F",
    "%5c",
    "%25",
    "%",
    "%20",
    "a",
    ";x",
    "%0a",
    "~",
    "//",
    "b.c",
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
      const text = `/${parts.join("")}`;
      if (!path.safeParse(text).success) return;
      const decoded = decodeURIComponent(text);
      expect(text).not.toContain("//");
      expect(decoded.split("/").map((segment) => segment.replace(/;.*/, ""))).not.toEqual(
        expect.arrayContaining([expect.stringMatching(/^\.\.?$/)]),
      );
      expect(decoded.split("/").length).toBe(text.split("/").length);
      expect(decoded).not.toMatch(/[\\\p{Cc}]/u);
    }),
    { numRuns: 2000 },
  );
});

test("the name of an object is what Kubernetes takes: 253 characters in all, parts of any length", () => {
  const good = [
    "a",
    "0",
    "a.b",
    "a-b.c-1",
    "a".repeat(253),
    `${"a".repeat(126)}.${"b".repeat(126)}`,
    "echo-".repeat(16) + "x",
  ];
  const bad = ["", "a".repeat(254), "A", "a_b", "-a", "a-", ".a", "a.", "a..b", "a.-b", "a-.b", "a/b", "a\n", "ä"];
  expect(good.filter((name) => !objectName.safeParse(name).success)).toEqual([]);
  expect(bad.filter((name) => objectName.safeParse(name).success)).toEqual([]);
});

test("a name without end is refused in a moment", () => {
  for (const name of [`${"a".repeat(1_000_000)}!`, `${"a.".repeat(500_000)}!`, `${"a-".repeat(500_000)}.`]) {
    expect(objectName.safeParse(name).success).toBe(false);
  }
});
