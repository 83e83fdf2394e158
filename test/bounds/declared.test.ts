import { expect, test } from "vitest";
import { declared, numbersIn, sizes } from "./declared.ts";

test.each<[string, number[]]>([
  ["16 KiB", [16_384, 16]],
  ["10s", [10_000, 10]],
  ["8,192 bytes", [8192]],
  ["100 in 1 s, 500 at once", [100, 1000, 1, 500]],
  ["0.5 s", [500, 0.5]],
  ["one", []],
  ["a tenth in ten times 5 s", [5000, 5, 0.1]],
  ["75 % of it", [75, 0.75]],
  ["sha256 and ipv6", []],
])("of %j the numbers are %j", (text, numbers) => {
  expect(sizes(text)).toEqual(numbers);
});

const SOURCE = `
export const MAX = 16 * 1024; // bytes
const TWICE = 2 * MAX;
const SUM = 6 + 125;
const SHAPE = { limit: 100, interval: 1000 };
const WORDS = "text";
export const PACKED = {
  /** One part. */
  part: 900_000,
  name: (part: number): string => String(part),
} as const;
function cut(text: string, most = 256): string {}
const server = createServer({ maxHeaderSize: 8192 });
`;

test.each<[string, number[]]>([
  ["MAX", [16_384]],
  ["TWICE", [32_768]],
  ["SUM", [131]],
  ["SHAPE", [100, 1000]],
  ["PACKED.part", [900_000]],
  ["most", [256]],
  ["maxHeaderSize", [8192]],
  ["cut", []],
])("%s is declared as %j", (name, numbers) => {
  expect(declared(SOURCE, name)).toEqual(numbers);
});

test("what is not declared is no constant, and only numbers are listed", () => {
  expect(() => declared(SOURCE, "NOTHING")).toThrow("nothing is declared as NOTHING");
  expect(numbersIn(SOURCE)).toEqual(["MAX", "TWICE", "SUM", "SHAPE", "PACKED"]);
});
