import { z } from "zod";

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
const DURATION = /^(0|([0-9]{1,9}(\.[0-9]{1,9})?(ms|s|m|h)){1,4})$/;

/** A Go-style duration (`1m30s`, `250ms`) in milliseconds; NaN if it is none. */
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
const SIZE = /^([0-9]{1,15}(?:\.[0-9]{1,6})?)(k|M|G|T|Ki|Mi|Gi|Ti)?$/;

/** A Kubernetes quantity of bytes (`64Ki`, `1M`, `0`) as a whole number of bytes, rounded up; NaN if it is none. */
export function parseSize(value: string | number): number {
  if (typeof value === "number") return Number.isSafeInteger(value) && value >= 0 ? value : Number.NaN;
  const match = SIZE.exec(value);
  if (match === null) return Number.NaN;
  const bytes = Math.ceil(Number(match[1]) * (SUFFIXES[match[2] ?? ""] ?? Number.NaN));
  return Number.isSafeInteger(bytes) ? bytes : Number.NaN;
}

const durationText = z
  .string("write a duration in quotes or with a unit, such as 30s or 1m30s")
  .max(40)
  .regex(DURATION, "is not a duration; write for example 250ms, 30s or 1m30s");

/** A duration of zero or more. */
export const duration = durationText;

/** A duration that must be longer than zero. */
export const positiveDuration = durationText.refine((text) => parseDuration(text) > 0, "must be longer than 0s");

const SIZE_WORDS = "is not a size; write a number of bytes or a quantity such as 64Ki or 1Mi";

/** A number of bytes, 0 or more, as a Kubernetes quantity. */
export const size = z
  .union([z.int().min(0).max(Number.MAX_SAFE_INTEGER), z.string().max(20).regex(SIZE, SIZE_WORDS)], {
    error: SIZE_WORDS,
  })
  .meta({ "x-kubernetes-int-or-string": true });

/** A number of bytes, at least 1. */
export const positiveSize = size.refine((value) => parseSize(value) > 0, "must be more than 0");
