import type { Problem } from "./problems.ts";
import type { PodRow, Report } from "./report.ts";

/** The answer of `-o json`. */
export function jsonOf(report: Report, problems: readonly Problem[]): object {
  const { title, now, pods, certificates, limits } = report;
  return {
    gateway: title,
    at: new Date(now).toISOString(),
    ...(report.generation === undefined ? {} : { generation: report.generation }),
    ...(report.mode === undefined ? {} : { mode: report.mode }),
    conditions: report.conditions,
    routes: report.routes,
    pods: pods.map(podJson),
    backends: report.backends,
    moreBackends: report.moreBackends,
    certificates: certificates.map(({ proxy, until }) => ({
      ...(proxy === "" ? {} : { proxy }),
      expires: timeOf(until),
      daysLeft: Math.floor((until - now) / 86_400_000),
    })),
    limits,
    ...(report.store === undefined ? {} : { store: report.store }),
    refusals: report.refusals,
    missing: report.missing,
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
