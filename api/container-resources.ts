import { z } from "zod";
import { quoted } from "./problem.ts";

/** Requests and limits of a container as Kubernetes takes them (core/v1 ResourceRequirements), without claims. */

const SCALES: Readonly<Record<string, readonly [base: bigint, exponent: number]>> = {
  ...Object.fromEntries(["n", "u", "m", "", "k", "M", "G", "T", "P", "E"].map((it, at) => [it, [10n, 3 * at - 9]])),
  ...Object.fromEntries(["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].map((it, at) => [it, [2n, 10 * (at + 1)]])),
};
const QUANTITY = /^\+?(\d*)\.?(\d*)(?:([numkMGTPE]|[KMGTPE]i)?|[eE]([+-]?\d{1,2}))$/;
const LONGEST_QUANTITY = 40;
/** Kubernetes rounds up to this: billionths. */
const NANO = 9;

/** A quantity of Kubernetes that is not negative, such as `250m` or `1Gi`, in billionths, rounded up; undefined: it is none. */
export function billionths(value: unknown): bigint | undefined {
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text !== "string" || text.length > LONGEST_QUANTITY) return undefined;
  const [, whole = "", fraction = "", suffix = "", exponent] = QUANTITY.exec(text) ?? [];
  if (whole + fraction === "") return undefined;
  const digits = BigInt(whole + fraction);
  const [base, power] = exponent === undefined ? (SCALES[suffix] ?? [10n, 0]) : ([10n, Number(exponent)] as const);
  const tens = NANO - fraction.length + (base === 10n ? power : 0);
  const scaled = base === 10n ? digits : digits * base ** BigInt(power);
  if (tens >= 0) return scaled * 10n ** BigInt(tens);
  const divisor = 10n ** BigInt(-tens);
  return (scaled + divisor - 1n) / divisor;
}

const STANDARD = ["cpu", "memory", "ephemeral-storage"];
const EXTENDED = /^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?\/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const ONE = 10n ** 9n;

const quantity = z
  .unknown()
  .refine(
    (value) => billionths(value) !== undefined,
    "is not a quantity of at least 0; write for example 250m, 1 or 256Mi",
  );
const quantities = z.record(z.string(), quantity).nullish();

/** The resources of the container that pods of other people get: a mistake in them would keep every such pod from starting. */
export const containerResources = z
  .strictObject({
    requests: quantities,
    limits: quantities,
    claims: z
      .array(z.unknown())
      .max(0, "names devices that a pod claims, and the data plane uses none; remove it")
      .nullish(),
  })
  .superRefine(({ requests, limits }, context) => {
    const tell = (path: string[], message: string): void => context.addIssue({ code: "custom", path, message });
    for (const [field, map] of [
      ["requests", requests],
      ["limits", limits],
    ] as const) {
      for (const [name, value] of Object.entries(map ?? {})) {
        if (STANDARD.includes(name)) continue;
        if (!EXTENDED.test(name))
          tell(
            [field, name],
            `${quoted(name)} is no resource of a container here; write cpu, memory or ephemeral-storage`,
          );
        else if ((billionths(value) ?? 0n) % ONE !== 0n) tell([field, name], "must be a whole number");
      }
    }
    for (const [name, value] of Object.entries(requests ?? {})) {
      const [least, most] = [billionths(value), billionths(limits?.[name])];
      if (least === undefined) continue;
      const equal = !STANDARD.includes(name) && EXTENDED.test(name);
      if (equal && least !== most) tell(["requests", name], "must equal its limit, which such a resource needs");
      if (!equal && most !== undefined && least > most)
        tell(["requests", name], "is more than its limit; lower the request or raise the limit");
    }
  });
