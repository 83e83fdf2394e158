import { REPORT, type ConfigReport, type ProxyReport } from "../../api/report.ts";
import { bounded } from "../../runtime/log.ts";
import type { RejectedConfig } from "../config/rejected-configs.ts";
import type { Gateway } from "../gateway.ts";

/** Room for what stands around the report of one proxy: `{"proxies":[…],"more":0}` and a line end. */
const AROUND = 64;

/** For each proxy: which config it serves, and why it does not serve the one that came last. Bounded, however much is wrong. */
export function configReport({ proxies, rejected }: Gateway): ConfigReport {
  const served = new Map(proxies.map((proxy) => [proxy.name, proxy]));
  const names = [...new Set([...served.keys(), ...rejected.keys()])];
  const told = names.slice(0, REPORT.proxies).map((proxy) => {
    const { snapshot, endpointsHash, configRemoved } = served.get(proxy) ?? {};
    const last = rejected.get(proxy);
    return fitting({
      proxy,
      hash: snapshot?.hash,
      endpointsHash,
      ...(configRemoved === true ? { removed: true } : { generation: snapshot?.config.proxy.generation }),
      rejected: last && rejectedOf(last),
    });
  });
  return { proxies: told, more: names.length - told.length };
}

/** A config may have as many mistakes as it has fields, and a mistake may name a long one. */
function rejectedOf({ hash, stage, problems }: RejectedConfig): ProxyReport["rejected"] {
  const some = problems.slice(0, REPORT.problems);
  return { hash, stage, problems: some.map((problem) => bounded(problem, REPORT.longestProblem - 1)) };
}

/** A character may take several bytes, and more in JSON: where the problems do not fit, the last ones are left out. */
function fitting(report: ProxyReport): ProxyReport {
  const { rejected } = report;
  const size = Buffer.byteLength(JSON.stringify(report));
  if (rejected === undefined || size <= REPORT.largest - AROUND) return report;
  return fitting({ ...report, rejected: { ...rejected, problems: rejected.problems.slice(0, -1) } });
}
