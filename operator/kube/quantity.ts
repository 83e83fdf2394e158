const QUANTITY = /^([+-]?)(\d*)(?:\.(\d*))?(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?\d{1,3})?$/;
const DECIMAL: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const BINARY: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };

/** Are two values the same amount as Kubernetes quantities (`1000m` and `1`, `1Gi` and `1024Mi`)? */
export function sameQuantity(one: unknown, other: unknown): boolean {
  const [a, b] = [amountOf(one), amountOf(other)];
  if (a === undefined || b === undefined) return false;
  const exponent = Math.min(a.exponent, b.exponent);
  return scaled(a, exponent) === scaled(b, exponent);
}

/** `digits` × 10^`exponent`. */
interface Amount {
  readonly digits: bigint;
  readonly exponent: number;
}

function amountOf(value: unknown): Amount | undefined {
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  const [match, sign = "", whole = "", fraction = "", unit = ""] = QUANTITY.exec(String(value)) ?? [];
  if (match === undefined || whole + fraction === "") return undefined;
  const digits = BigInt(whole + fraction) * (sign === "-" ? -1n : 1n);
  if (unit in BINARY) return { digits: digits * 2n ** BigInt(BINARY[unit] ?? 0), exponent: -fraction.length };
  const power = unit in DECIMAL ? (DECIMAL[unit] ?? 0) : Number(unit.slice(1));
  return { digits, exponent: power - fraction.length };
}

function scaled({ digits, exponent }: Amount, to: number): bigint {
  return digits * 10n ** BigInt(exponent - to);
}
