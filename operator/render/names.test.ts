import fc from "fast-check";
import { expect, test } from "vitest";
import { objectName } from "../../api/names.ts";
import { packer } from "../platform/packer.ts";
import { namesOf } from "./names.ts";

const base = (name: string): string => namesOf(name, packer.hash).base;
const all = (name: string): string[] => {
  const names = namesOf(name, packer.hash);
  return [names.base, names.endpoints, names.admin, ...[0, 1, 2, 3].map(names.configPart)];
};

const letters = (text: string): string[] => text.split("");
const edge = fc.constantFrom(...letters("abcdefghijklmnopqrstuvwxyz0123456789"));
const middle = fc.string({ unit: fc.constantFrom(...letters("abc-019")), maxLength: 61 });
const part = fc.oneof(
  fc.tuple(edge, middle, edge).map((them) => them.join("")),
  edge,
);
const proxyName = fc
  .array(part, { minLength: 1, maxLength: 5 })
  .map((parts) =>
    parts
      .join(".")
      .slice(0, 253)
      .replace(/[.-]+$/, ""),
  )
  .filter((name) => objectName.safeParse(name).success);

test("a short name is used as it is", () => {
  expect(all("chat")).toEqual([
    "wsproxy-chat",
    "wsproxy-chat-endpoints",
    "wsproxy-chat-admin",
    "wsproxy-chat-config-0",
    "wsproxy-chat-config-1",
    "wsproxy-chat-config-2",
    "wsproxy-chat-config-3",
  ]);
  expect(base("a".repeat(45))).toBe(`wsproxy-${"a".repeat(45)}`);
});

test.each([
  ["a long one", "a".repeat(46), /^wsproxy-a{36}-[0-9a-f]{8}$/],
  ["one of the longest", `${"a".repeat(63)}.`.repeat(3) + "b".repeat(61), /^wsproxy-a{36}-[0-9a-f]{8}$/],
  ["one with dots", "chat.example", /^wsproxy-chat-example-[0-9a-f]{8}$/],
  ["one that looks as if it were cut", "chat-0123abcd", /^wsproxy-chat-0123abcd-[0-9a-f]{8}$/],
  ["that of the operator", "operator", /^wsproxy-operator-[0-9a-f]{8}$/],
])("%s gets a hash", (_what, name, form) => {
  expect(base(name)).toMatch(form);
});

test("every legal name gives names that Services, labels and pods can have", () => {
  fc.assert(
    fc.property(proxyName, (name) => {
      for (const it of all(name)) expect(it).toMatch(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/);
    }),
  );
});

test("no two proxies get the same names, even if their own names resemble each other", () => {
  const resembling = proxyName.chain((name) => {
    const likely = [
      name,
      name.replaceAll(".", "-"),
      name.replace("-", "."),
      base(name).slice("wsproxy-".length),
      `${name}-config-0`,
      `${name}.a`,
    ];
    return fc.tuple(fc.constantFrom(...likely), fc.constantFrom(...likely));
  });
  fc.assert(
    fc.property(resembling, ([one, other]) => {
      if (one !== other) expect(base(one)).not.toBe(base(other));
    }),
    { numRuns: 1000 },
  );
});
