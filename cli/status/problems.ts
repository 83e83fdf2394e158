import { INJECT_LABEL } from "../../api/meta.ts";
import type { NextCommands } from "./next-commands.ts";
import type { PodRow, Report } from "./report.ts";
import { RECENT } from "./kept-refusals.ts";
import { nameOf } from "./report.ts";
import type { ProxyFacts } from "./proxy-facts.ts";

/** What is wrong, with the commands that lead on. Texts of the network in it are as they are. */
export interface Problem {
  readonly what: string;
  readonly next: readonly string[];
}

/** Names of the proxy and of its Deployment. */
export interface Names {
  readonly name: string;
  readonly base: string;
}

/** A container that ended within this time, in ms, is a problem of now. */
const JUST_ENDED = 3_600_000;
/** A certificate that ends within this time, in ms, unless a quarter of its own time is left: as in the alerts. */
const CERTIFICATE_DUE = 14 * 86_400_000;
const DUE_SHARE = 0.25;

const DAY = 86_400_000;

/** All that is wrong, in the order in which a person would look. */
export function problemsOf(
  report: Report,
  proxy: ProxyFacts | undefined,
  { name, base }: Names,
  next: NextCommands,
): readonly Problem[] {
  return [
    ...ofConditions(report, proxy, { name, base }, next),
    ...report.pods.flatMap((pod) => ofPod(pod, report, proxy, next)),
    ...(report.noPods && proxy !== undefined ? [noPods(proxy, name, next)] : []),
    ...ofBackends(report, next),
    ...ofCertificates(report, proxy, next),
    ...ofLimits(report, next),
    ...ofRefusals(report, next),
  ];
}

function ofConditions(
  { conditions, routes }: Report,
  proxy: ProxyFacts | undefined,
  { name, base }: Names,
  next: NextCommands,
): readonly Problem[] {
  if (proxy === undefined) return [];
  const { observed, generation, selector, mode } = proxy;
  if (observed === undefined || observed < generation) {
    const what =
      observed === undefined
        ? "no operator has looked at this WebSocketProxy yet"
        : `no operator has worked on the last edit: the status is about generation ${observed} of ${generation}`;
    return [{ what, next: [next.kubectlElsewhere("get", "pods", "--all-namespaces", "--selector", OPERATOR)] }];
  }
  const edit = next.kubectl("edit", "wsp", name);
  const pods =
    selector === undefined
      ? next.kubectl("describe", "wsp", name)
      : next.kubectl("describe", "pods", "--selector", selector);
  const rollout = mode === "Sidecar" ? pods : next.kubectl("rollout", "status", `deployment/${base}`);
  const commands: Readonly<Record<string, readonly string[]>> = {
    Accepted: [edit],
    ResolvedRefs: [next.kubectl("get", "secrets,configmaps,services"), edit],
    Programmed: [pods],
    Ready: [pods],
  };
  const bad = conditions.filter(({ status }) => status !== "True");
  const accepted = bad.every(({ type }) => type !== "Accepted");
  // What follows from a spec that is not accepted is no problem of its own.
  const own = bad.filter(({ reason }) => accepted || reason !== "NotAccepted");
  const ofRoutes = routes.flatMap(({ name: route, conditions: all }) =>
    all
      .filter(({ reason }) => reason !== "NotAccepted")
      .map(({ type, status, reason, message }) => ({
        what: `route ${route}: ${type} is ${status}, ${reason}: ${message}`,
        next: commands[type] ?? [edit],
      })),
  );
  return [
    ...own.map(({ type, status, reason, message }) => ({
      what: `${type} is ${status}, ${reason}: ${message}`,
      next: reason === "RollingOut" ? [rollout] : (commands[type] ?? [next.kubectl("describe", "wsp", name)]),
    })),
    ...ofRoutes,
  ];
}

/** Of a process that was named by its URL, the files are not known. */
const CHECK = "wsproxy check -f PATH";

/** Selects the operator's pods; their namespace is not known here. */
const OPERATOR = "app.kubernetes.io/name=wsproxy,app.kubernetes.io/component=operator";

function noPods({ selector, mode }: ProxyFacts, name: string, next: NextCommands): Problem {
  const command =
    mode === "Sidecar"
      ? next.kubectl("get", "pods", "--selector", `${INJECT_LABEL}=${name}`)
      : selector === undefined
        ? next.kubectl("describe", "wsp", name)
        : next.kubectl("get", "deployments,replicasets,pods", "--selector", selector);
  return { what: "no pod has its data plane", next: [command] };
}

function ofPod(row: PodRow, report: Report, proxy: ProxyFacts | undefined, next: NextCommands): readonly Problem[] {
  // A pod that has come to its end, such as an evicted one, is replaced, and stays to be looked at.
  if (row.leaving === true || row.phase === "Failed" || row.phase === "Succeeded") return [];
  const { pod, container, serves, phase } = row;
  const subject = report.single ? `proxy ${nameOf(row)}` : `pod ${pod}`;
  const log = (...more: readonly string[]): string => next.kubectl("logs", pod, ...containerOf(row), ...more);
  const found: Problem[] = [];
  if (row.ready === false) {
    const why = container?.waiting ?? (phase === "Running" ? "a readiness probe fails" : phase);
    found.push({ what: `${subject} is not ready: ${why}`, next: [next.kubectl("describe", "pod", pod)] });
  } else if (row.metrics?.ready === false) {
    const command = report.single ? next.wsproxy("trace", "--refused") : log("--tail", "50");
    found.push({ what: `${subject} takes no new sessions`, next: [command] });
  }
  const ended = container?.ended;
  if (ended !== undefined && report.now - Date.parse(ended.at) < JUST_ENDED) {
    found.push({
      what: `the data plane of ${subject} ended at ${ended.at} with ${ended.reason} (${ended.code}), restarts: ${container?.restarts}`,
      next: [log("--previous", "--tail", "50")],
    });
  }
  if (row.silent !== undefined) {
    found.push({ what: `${subject} does not say what it serves: ${row.silent}`, next: [log("--tail", "50")] });
  }
  if (serves?.rejected !== undefined) {
    const { stage, problems } = serves.rejected;
    const what = stage === "listener" ? "cannot open the listener of the newest config" : "refuses the newest config";
    const command = report.single ? CHECK : log("--tail", "50");
    found.push({ what: `${subject} ${what}: ${problems.join("; ")}`, next: [command] });
  } else if (serves?.removed === true) {
    found.push({
      what: `${subject} serves no route: its config was removed`,
      next: report.single ? [CHECK] : [log("--tail", "50")],
    });
  } else if (isBehind(row, proxy)) {
    const what =
      serves?.generation === undefined || serves.generation === proxy?.generation
        ? "does not serve the newest keys and objects yet"
        : `serves generation ${serves.generation} of ${proxy?.generation}`;
    found.push({ what: `${subject} ${what}`, next: [log("--tail", "50")] });
  }
  return found;
}

function containerOf(row: PodRow | undefined): readonly string[] {
  return row?.container === undefined ? [] : ["--container", row.container.name];
}

/** Does a process serve another config than the operator has made of an accepted spec? */
function isBehind({ serves }: PodRow, proxy: ProxyFacts | undefined): boolean {
  if (serves?.hash === undefined || proxy?.configHash === undefined) return false;
  return serves.hash !== proxy.configHash;
}

function ofBackends({ backends }: Report, next: NextCommands): readonly Problem[] {
  return backends.flatMap(({ service, port, routes, state, ready, all }) => {
    const where = `of ${routes.length === 1 ? "route" : "routes"} ${routes.slice(0, 5).join(", ")}`;
    if (state === "NoService") {
      return [
        { what: `there is no Service ${service}, the backend ${where}`, next: [next.kubectl("get", "services")] },
      ];
    }
    if (state === "ByName" || ready > 0) return [];
    const none = all === 0 ? "has no endpoint" : `has no ready endpoint (${all} that ${all === 1 ? "is" : "are"} not)`;
    return [
      {
        what: `Service ${service}:${port} ${none}, the backend ${where}`,
        next: [next.kubectl("describe", "service", service)],
      },
    ];
  });
}

function ofCertificates(
  { certificates, now }: Report,
  proxy: ProxyFacts | undefined,
  next: NextCommands,
): readonly Problem[] {
  return certificates.flatMap(({ proxy: name, from, until }) => {
    const left = until - now;
    if (left >= CERTIFICATE_DUE || (left > 0 && left >= DUE_SHARE * (until - from))) return [];
    const whose = name === "" ? "the certificate of the listener" : `the certificate of ${name}`;
    const what = left <= 0 ? `${whose} has expired` : `${whose} expires in ${Math.floor(left / DAY)} days`;
    const secret = proxy?.tlsSecret;
    const commands = secret === undefined ? [CHECK] : [next.kubectl("describe", "secret", secret)];
    return [{ what: `${what}: renew the Secret; no pod has to be restarted`, next: commands }];
  });
}

function ofLimits({ limits, store, single, pods }: Report, next: NextCommands): readonly Problem[] {
  const near = limits.filter(({ used, limit, near: share }) => used >= share * limit);
  const found = near.map(({ what, used, limit, pod }) => ({
    what: `${what}: ${Math.floor((100 * used) / limit)} % are used${pod === undefined ? "" : ` (${pod})`}`,
    next: [next.wsproxy("sessions", "--watch")],
  }));
  if (store === undefined || store.away.length === 0) return found;
  const [first = ""] = store.away;
  const what = `the store of shared limits does not answer ${store.away.length} of ${store.asked} (${first})`;
  const command = single
    ? next.wsproxy("trace", "--refused")
    : next.kubectl("logs", first, ...containerOf(pods.find(({ pod }) => pod === first)), "--tail", "50");
  return [...found, { what, next: [command] }];
}

/** Refusals of clients are the gateway's work; that a backend or a service behind it fails is a problem. */
function ofRefusals({ refusals }: Report, next: NextCommands): readonly Problem[] {
  return refusals
    .filter(({ status, recent }) => status >= 500 && recent > 0)
    .map(({ status, reason, recent, newest }) => ({
      what: `${recent} ${recent === 1 ? "handshake" : "handshakes"} of the last ${RECENT / 60_000} minutes got ${status} ${reason}${newest.route === undefined ? "" : `, the last on route ${newest.route}`}`,
      next: [next.wsproxy("trace", "--refused")],
    }));
}
