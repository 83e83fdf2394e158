import { z } from "zod";
import { CALLED, rule } from "./rule.ts";

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
const DURATION = /^(0|([0-9]{1,9}(\.[0-9]{1,9})?(ms|s|m|h)){1,4})$/;

/** A Go-style duration (`1m30s`, `250ms`) in milliseconds; NaN: not a duration. */
export function parseDuration(text: string): number {
  if (!DURATION.test(text)) return Number.NaN;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/([0-9.]+)(ms|s|m|h)/g)) {
    total += Number(amount) * UNITS[unit as keyof typeof UNITS];
  }
  return total;
}

const SUFFIXES: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};
/** Digits that each suffix allows, so that the number of bytes is still exact. */
const DIGITS = [
  [15, ""],
  [12, "(k|Ki)"],
  [9, "(M|Mi)"],
  [6, "(G|Gi)"],
  [3, "(T|Ti)"],
] as const;
const FRACTION = "(\\.[0-9]{1,6})?";
const sizes = (zero: string): RegExp =>
  new RegExp(`^(${DIGITS.map(([n, suffix]) => `(${zero}|[1-9][0-9]{0,${n - 1}}${FRACTION})${suffix}`).join("|")})$`);
const SIZE = sizes(`0${FRACTION}`);
const POSITIVE_SIZE = sizes("0\\.[0-9]{0,5}[1-9][0-9]{0,5}");

/** A Kubernetes quantity of bytes (`64Ki`, `1M`, `0`) as a whole number of bytes, rounded up; NaN: not a quantity. */
export function parseSize(value: string | number): number {
  if (typeof value === "number") return Number.isSafeInteger(value) && value >= 0 ? value : Number.NaN;
  if (!SIZE.test(value)) return Number.NaN;
  const [suffix = ""] = /[A-Za-z]*$/.exec(value) ?? [];
  return Math.ceil(Number.parseFloat(value) * (SUFFIXES[suffix] ?? Number.NaN));
}

/** A duration of zero or more. */
export const duration = z
  .string("write a duration in quotes or with a unit, such as 30s or 1m30s")
  .max(40)
  .regex(DURATION, "is not a duration; write for example 250ms, 30s or 1m30s")
  .meta({ [CALLED]: "duration" });

/** A duration that must be longer than zero. */
export const positiveDuration = rule(
  duration,
  { cel: "self.matches('[1-9]')", message: "must be longer than 0s" },
  (text) => parseDuration(text) > 0,
);

/**
 * A Kubernetes int-or-string. The schema has all its bounds: for CEL such a value is unbounded, so every rule exceeds
 * the cost limit.
 */
const sizeOf = (least: number, pattern: RegExp, error: string) =>
  z
    .union(
      [
        z
          .int()
          .min(least)
          .max(10 ** 15 - 1),
        z.string().max(20).regex(pattern, error),
      ],
      { error },
    )
    .meta({ "x-kubernetes-int-or-string": true, [CALLED]: "size" });

/** A number of bytes, 0 or more, as a Kubernetes quantity. */
export const size = sizeOf(0, SIZE, "is not a size; write a number of bytes or a quantity such as 64Ki or 1Mi");

/** A number of bytes, at least 1. */
export const positiveSize = sizeOf(
  1,
  POSITIVE_SIZE,
  "is not a size of more than 0; write a number of bytes or a quantity such as 64Ki or 1Mi",
);
