import { expect, test } from "vitest";
import { Arguments, UsageError } from "./arguments.ts";
import { bufferBudget, bufferBudgetOption } from "./buffer-budget.ts";

const GiB = 2 ** 30;
const typed = (...words: string[]): Arguments => new Arguments({ "buffer-budget": bufferBudgetOption }, [], words);
const machine = (total: number, limit?: number) => () => ({
  total,
  read: (path: string) =>
    path === "/proc/self/cgroup" ? "0::/\n" : path === "/sys/fs/cgroup/memory.max" ? String(limit ?? "max") : undefined,
});

test.each([
  ["64Mi", 64 * 2 ** 20],
  ["1Gi", GiB],
  ["1Mi", 2 ** 20],
  ["200000000", 200_000_000],
])("--buffer-budget %s is %d bytes, whatever the machine has", (text, bytes) => {
  expect(bufferBudget(typed("--buffer-budget", text), machine(GiB, GiB))).toBe(bytes);
});

test.each(["a lot", "64 Mi", "-1", "1e9", "0", "1Ki", "1048575"])("--buffer-budget=%s is wrong usage", (text) => {
  expect(() => bufferBudget(typed(`--buffer-budget=${text}`), machine(GiB))).toThrow(UsageError);
});

test.each([
  ["a quarter of the memory limit", 64 * GiB, GiB, GiB / 4],
  ["a quarter of the host's memory where there is no limit", 2 * GiB, undefined, GiB / 2],
  ["and of 4 GiB of it at most", 64 * GiB, undefined, GiB],
])("without the option it is %s", (_what, total, limit, bytes) => {
  expect(bufferBudget(typed(), machine(total, limit))).toBe(bytes);
});
