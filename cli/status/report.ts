import type { ProxyReport } from "../../api/report.ts";
import type { ProxyContainer } from "../live/cluster/proxy-pods.ts";
import { EXIT } from "../line/exit-codes.ts";
import type { BackendFacts } from "./backend-facts.ts";
import type { Facts } from "./facts.ts";
import { add, type RefusalCount } from "./kept-refusals.ts";
import type { ProcessFacts } from "./process-facts.ts";
import type { ProxyMetrics } from "./process-metrics.ts";
import type { Condition, ProxyFacts } from "./proxy-facts.ts";

/** A pod, and what its process serves of one proxy; absent fields are not known. */
export interface PodRow {
  readonly pod: string;
  /** Only of a process that was named by its URL: it may serve several. */
  readonly proxy?: string;
  readonly ready?: boolean;
  readonly leaving?: boolean;
  readonly phase?: string;
  readonly container?: ProxyContainer;
  /** RFC 3339. */
  readonly created?: string;
  readonly serves?: ProxyReport;
  readonly sessions?: number;
  readonly metrics?: ProxyMetrics;
  /** Why the process says nothing, or less. */
  readonly silence: readonly string[];
  /** Why it says nothing although it is asked with every right. */
  readonly silent?: string;
}

/** What is used of something that has an end. */
export interface LimitRow {
  readonly what: string;
  readonly used: number;
  readonly limit: number;
  /** From which share on it is near its end. */
  readonly near: number;
  /** The fullest pod; absent: all pods together. */
  readonly pod?: string;
  /** They are bytes. */
  readonly bytes?: boolean;
}

/** Of all pods; `pod` has the newest. */
export interface RefusalRow extends RefusalCount {
  readonly pod: string;
}

export interface Certificate {
  /** Of the proxy; several only in a process that was named by its URL. */
  readonly proxy: string;
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly until: number;
}

/** The state of a gateway, part by part, without a judgement. */
export interface Report {
  readonly title: string;
  readonly single: boolean;
  readonly now: number;
  readonly generation?: number;
  readonly mode?: string;
  readonly conditions: readonly Condition[];
  readonly routes: ProxyFacts["routes"];
  readonly pods: readonly PodRow[];
  /** The pods could be listed, and there are none. */
  readonly noPods: boolean;
  readonly backends: readonly BackendFacts[];
  /** Services whose endpoints were not looked at. */
  readonly moreBackends: number;
  readonly certificates: readonly Certificate[];
  readonly limits: readonly LimitRow[];
  /** Pods, or proxies of a process, that have a store, and those of them whose store does not answer. */
  readonly store?: { readonly asked: number; readonly away: readonly string[] };
  readonly refusals: readonly RefusalRow[];
  /** Parts that could not be read. */
  readonly missing: readonly string[];
}

/** Shares as in the alerts of the chart. */
const NEAR = { sessions: 0.85, buffers: 0.8, descriptors: 0.85 } as const;

export function reportOf(facts: Facts): Report {
  const pods = podRows(facts);
  const { proxy, backends } = facts;
  const stores = pods.filter(({ metrics }) => metrics?.store !== undefined);
  const away = stores.filter(({ metrics }) => metrics?.store === false).map(nameOf);
  return {
    title: facts.title,
    single: facts.single,
    now: facts.now,
    ...(proxy === undefined ? {} : { generation: proxy.generation, mode: proxy.mode }),
    conditions: proxy?.conditions ?? [],
    routes: proxy?.routes ?? [],
    pods,
    noPods: facts.pods?.length === 0,
    backends: backends?.backends ?? [],
    moreBackends: backends?.more ?? 0,
    certificates: certificatesIn(pods),
    limits: [...fillOfPods(facts.processes, pods), ...sharedLimits(proxy, pods)],
    ...(stores.length === 0 ? {} : { store: { asked: stores.length, away } }),
    refusals: refusalRows(facts.processes),
    missing: facts.gaps.map(({ message }) => message),
  };
}

/** For people: which row is meant. */
export function nameOf({ pod, proxy }: PodRow): string {
  return proxy ?? pod;
}

function podRows({ single, title, pods = [], processes }: Facts): readonly PodRow[] {
  const row = (pod: string, { serves, metrics, gaps }: Omit<ProcessFacts, "id" | "name">, name: string): PodRow => {
    const served = serves?.find(({ proxy }) => proxy === name);
    const figures = metrics?.proxies.get(name);
    const silent = serves === undefined ? gaps.find(({ exit }) => exit !== EXIT.noPermission) : undefined;
    return {
      pod,
      ...(single ? { proxy: name } : {}),
      ...(served === undefined ? {} : { serves: served }),
      ...(figures === undefined ? {} : { metrics: figures, sessions: figures.sessions }),
      silence: gaps.map(({ message }) => message),
      ...(silent === undefined ? {} : { silent: silent.message }),
    };
  };
  if (single) {
    return processes.flatMap((one) => {
      const names = new Set([...(one.serves ?? []).map(({ proxy }) => proxy), ...(one.metrics?.proxies.keys() ?? [])]);
      return [...names].filter((name) => name !== "").map((name) => row(one.name, one, name));
    });
  }
  const byId = new Map(processes.map((one) => [one.id, one]));
  const known = pods.map(({ uid, name, ready, leaving, phase, container, created }) => ({
    ...row(name, byId.get(uid) ?? { gaps: [] }, title),
    ...{ ready, leaving, phase, container, created },
  }));
  // Without the right to list pods no process can be found, so those beyond are pods that came meanwhile.
  const ids = new Set(pods.map(({ uid }) => uid));
  return [...known, ...processes.filter(({ id }) => !ids.has(id)).map((one) => row(one.name, one, title))];
}

function certificatesIn(pods: readonly PodRow[]): readonly Certificate[] {
  const found = new Map<string, Certificate>();
  for (const { proxy = "", metrics } of pods) {
    if (metrics?.certificate === undefined) continue;
    const { from, until } = metrics.certificate;
    const before = found.get(proxy);
    // Pods that have not taken a new one yet have the earlier end.
    if (before === undefined || until * 1000 < before.until) {
      found.set(proxy, { proxy, from: from * 1000, until: until * 1000 });
    }
  }
  return [...found.values()];
}

/** The fullest pod of each kind. */
function fillOfPods(processes: readonly ProcessFacts[], pods: readonly PodRow[]): readonly LimitRow[] {
  const sessions = pods.map((row) => ({
    pod: nameOf(row),
    fill: row.metrics?.admits === undefined ? undefined : { used: row.metrics.sessions, limit: row.metrics.admits },
  }));
  const of = (which: "buffers" | "descriptors") =>
    processes.map(({ name, metrics }) => ({ pod: name, fill: metrics?.[which] }));
  const fullest = (all: readonly { pod: string; fill: { used: number; limit: number } | undefined }[]) =>
    all
      .flatMap(({ pod, fill }) => (fill === undefined || fill.limit <= 0 ? [] : [{ pod, ...fill }]))
      .toSorted((one, other) => other.used / other.limit - one.used / one.limit)
      .slice(0, 1);
  return [
    ...fullest(sessions).map((one) => ({ what: "sessions of a pod", near: NEAR.sessions, ...one })),
    ...fullest(of("buffers")).map((one) => ({ what: "buffer budget", near: NEAR.buffers, bytes: true, ...one })),
    ...fullest(of("descriptors")).map((one) => ({ what: "file descriptors", near: NEAR.descriptors, ...one })),
  ];
}

/** Limits on open sessions that all clients share: over all pods where there is a store, else the fullest pod. */
function sharedLimits(proxy: ProxyFacts | undefined, pods: readonly PodRow[]): readonly LimitRow[] {
  const counted = pods.filter(({ metrics }) => metrics !== undefined);
  if (proxy === undefined || counted.length === 0) return [];
  return proxy.limits.map(({ route, limit }) => {
    const used = counted.map(({ pod, metrics }) => {
      const sessions = route === undefined ? metrics?.sessions : metrics?.routes.get(route);
      return { pod, used: sessions ?? 0 };
    });
    const what = route === undefined ? "connections per Proxy" : `connections per Route of ${route}`;
    if (proxy.store) {
      return { what, used: used.reduce((sum, one) => sum + one.used, 0), limit, near: NEAR.sessions };
    }
    const [most] = used.toSorted((one, other) => other.used - one.used);
    return { what, limit, near: NEAR.sessions, used: most?.used ?? 0, pod: most?.pod ?? "" };
  });
}

function refusalRows(processes: readonly ProcessFacts[]): readonly RefusalRow[] {
  const rows = new Map<string, RefusalRow>();
  for (const { name, refusals = [] } of processes) {
    for (const refusal of refusals) add(rows, { ...refusal, pod: name });
  }
  return [...rows.values()].toSorted((one, other) => (one.newest.at > other.newest.at ? -1 : 1));
}
