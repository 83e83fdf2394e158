import type { Condition } from "../../api/conditions.ts";
import { KEPT_ROUTE } from "../../operator/translate/routes/route-outcome.ts";
import { KEPT_CONFIG } from "../../operator/translate/status.ts";
import { columns } from "../line/columns.ts";
import { findingLine, type Finding } from "../manifests/location.ts";

/** The conditions of a proxy and of its routes. */
export interface ProxyReport {
  /** `<namespace>/<name>` */
  readonly id: string;
  readonly conditions: readonly Condition[];
  readonly routes: readonly { readonly name: string; readonly conditions: readonly Condition[] }[];
}

/** What `check` prints and `standalone` compares: conditions, mistakes, warnings, and objects that are not used. */
export interface Report {
  readonly proxies: readonly ProxyReport[];
  readonly findings: readonly Finding[];
  /** What is accepted and may not be what the user means. */
  readonly warnings: readonly Finding[];
  /** What the message of Accepted says beside its reason; absent: nothing is to be printed of it. */
  readonly notes?: readonly Finding[];
  readonly ignored: readonly Finding[];
}

const TITLES = { Accepted: "ACCEPTED", ResolvedRefs: "RESOLVED", Programmed: "PROGRAMMED", Ready: "READY" } as const;

/** The conditions of every proxy and route as a table. */
export function conditionTable({ proxies }: Report): string {
  const types = (Object.keys(TITLES) as (keyof typeof TITLES)[]).filter((type) =>
    proxies.some(({ conditions }) => conditions.some((condition) => condition.type === type)),
  );
  const cells = (conditions: readonly Condition[]): string[] =>
    types.map((type) => shown(conditions.find((condition) => condition.type === type)));
  const rows = proxies.flatMap(({ id, conditions, routes }) => [
    [id, "", ...cells(conditions)],
    ...routes.map((route) => [id, route.name, ...cells(route.conditions)]),
  ]);
  return columns([["PROXY", "ROUTE", ...types.map((type) => TITLES[type])], ...rows]);
}

/** `True`, or the status with its reason: `False (RouteConflict)`. */
function shown(condition: Condition | undefined): string {
  if (condition === undefined) return "";
  const { type, status, reason } = condition;
  return reason === type ? status : `${status} (${reason})`;
}

/** What is still served although the condition is False. `Accepted` of a proxy does not say it. */
function stillServed({ type, status, message }: Condition): string {
  if (status !== "False") return "";
  const words = type === "Programmed" ? KEPT_CONFIG : KEPT_ROUTE;
  return message.endsWith(words) ? `. ${words}` : "";
}

/** Every mistake on a line of its own, then the warnings, the notes and the objects that are not used. */
export function findingLines({ findings, warnings, notes = [], ignored }: Report): string {
  const lines = [
    ...findings.map(findingLine),
    ...warnings.map((warning) => `warning: ${findingLine(warning)}`),
    ...[...notes, ...ignored].map((note) => `note: ${findingLine(note)}`),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

/** True if every condition is True and there is no mistake. */
export function isClean({ proxies, findings }: Report): boolean {
  const all = proxies.flatMap(({ conditions, routes }) => [conditions, ...routes.map((route) => route.conditions)]);
  return findings.length === 0 && all.flat().every(({ status }) => status === "True");
}

/** What changed between two reports, one line each: conditions, new mistakes and warnings, solved mistakes. */
export function changes(before: Report, now: Report): string[] {
  const [stateBefore, stateNow] = [states(before), states(now)];
  const left = subjects(now);
  const [wrongBefore, wrongNow] = [byIdentity(before.findings), byIdentity(now.findings)];
  const warnedBefore = byIdentity(before.warnings);
  const warnings = [...byIdentity(now.warnings)].filter(([key]) => !warnedBefore.has(key));
  return [
    ...[...stateNow].flatMap(([what, state]) => (stateBefore.get(what) === state ? [] : [`${what} is ${state}`])),
    ...[...subjects(before)].filter((subject) => !left.has(subject)).map((subject) => `${subject} is gone`),
    ...[...wrongNow].flatMap(([key, finding]) => (wrongBefore.has(key) ? [] : [`problem: ${findingLine(finding)}`])),
    ...warnings.map(([, warning]) => `warning: ${findingLine(warning)}`),
    ...[...wrongBefore].flatMap(([key, finding]) => (wrongNow.has(key) ? [] : [`solved: ${findingLine(finding)}`])),
  ];
}

function subjects({ proxies }: Report): Set<string> {
  return new Set(proxies.flatMap(({ id, routes }) => [id, ...routes.map(({ name }) => `${id} route ${name}`)]));
}

function states({ proxies }: Report): Map<string, string> {
  const of = (subject: string, conditions: readonly Condition[]): [string, string][] =>
    conditions.map((condition) => [`${subject}: ${condition.type}`, `${shown(condition)}${stillServed(condition)}`]);
  return new Map(
    proxies.flatMap(({ id, conditions, routes }) => [
      ...of(id, conditions),
      ...routes.flatMap((route) => of(`${id} route ${route.name}`, route.conditions)),
    ]),
  );
}

/** Findings by file, object, field and message; not by line, which an edit above the finding changes. */
function byIdentity(findings: readonly Finding[]): Map<string, Finding> {
  return new Map(findings.map((it) => [JSON.stringify([it.file, it.object, it.field, it.message]), it]));
}
