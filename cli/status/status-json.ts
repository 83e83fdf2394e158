import type { Problem } from "./problems.ts";
import type { PodRow, Report } from "./report.ts";

/** The answer of `-o json`. */
export function jsonOf(report: Report, problems: readonly Problem[]): object {
  const { title, now, single: _single, moreBackends, certificates, store, pods, limits, ...rest } = report;
  return {
    gateway: title,
    at: new Date(now).toISOString(),
    ...rest,
    pods: pods.map(podJson),
    moreBackends,
    certificates: certificates.map(({ proxy, until }) => ({
      ...(proxy === "" ? {} : { proxy }),
      expires: timeOf(until),
      daysLeft: Math.floor((until - now) / 86_400_000),
    })),
    limits: limits.map(({ near: _near, ...row }) => row),
    ...(store === undefined ? {} : { store }),
    problems,
  };
}

function podJson({ metrics, ...row }: PodRow): object {
  const { admits, ready } = metrics ?? {};
  return {
    ...row,
    ...(admits === undefined ? {} : { admits }),
    ...(ready === undefined ? {} : { takesSessions: ready }),
  };
}

function timeOf(millis: number): string | undefined {
  const date = new Date(millis);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
