import { oneLine } from "../connect/terminal-text.ts";
import { columns } from "../line/columns.ts";
import { cutToWidth } from "../line/display-width.ts";
import { age, amountOfBytes } from "../sessions/figures.ts";
import type { Problem } from "./problems.ts";
import { RECENT } from "./kept-refusals.ts";
import type { LimitRow, PodRow, RefusalRow, Report } from "./report.ts";
import type { NextCommands } from "./next-commands.ts";

/** Rows of a part that are shown; `-o json` has all. */
export const MOST_ROWS = 100;
/** Problems that are shown. */
export const MOST_PROBLEMS = 50;
/** Columns of a terminal for a text from outside: in a table, and in a sentence. */
const LONGEST_CELL = 48;
const LONGEST_MESSAGE = 600;
/** Characters of a hash that tell configs apart. */
const SHORT_HASH = 12;

const DAY = 86_400_000;

/** The state of a gateway as people read it; every text from outside is safe for a terminal. */
export function statusText(report: Report, problems: readonly Problem[], next: NextCommands): string {
  const parts = [
    headOf(report),
    conditionsOf(report),
    podsOf(report),
    backendsOf(report),
    limitsOf(report),
    refusalsOf(report, next),
    problemsText(problems, report),
  ];
  return parts.filter((part) => part !== "").join("\n");
}

function headOf({ title, mode, generation, single }: Report): string {
  const facts = [
    single ? "one process" : `mode ${mode ?? "unknown"}`,
    ...(generation === undefined ? [] : [`generation ${generation}`]),
  ];
  return `${safe(title)}  ${facts.join(", ")}\n`;
}

function conditionsOf({ conditions, routes, now }: Report): string {
  if (conditions.length === 0) return "";
  const row = (one: Report["conditions"][number], type: string): readonly string[] => [
    type,
    cell(one.status),
    cell(one.reason),
    age(one.since, now),
    sentence(one.message),
  ];
  return columns([
    ["CONDITION", "STATUS", "REASON", "SINCE", "MESSAGE"],
    ...conditions.map((one) => row(one, cell(one.type))),
    ...routes.flatMap(({ name, conditions: all }) => all.map((one) => row(one, cell(`${name}: ${one.type}`)))),
  ]);
}

function podsOf({ pods, single, generation, now }: Report): string {
  if (pods.length === 0) return single ? "it serves no proxy\n" : "";
  const heading = single
    ? ["PROXY", "READY", "GENERATION", "CONFIG", "SESSIONS", "SAYS"]
    : ["POD", "READY", "RESTARTS", "AGE", "GENERATION", "CONFIG", "SESSIONS", "SAYS"];
  const rows = pods
    .slice(0, MOST_ROWS)
    .map((row) => [
      cell(row.proxy ?? row.pod),
      readyWord(row),
      ...(single ? [] : [String(row.container?.restarts ?? "-"), age(row.created ?? "", now)]),
      generationWord(row, generation),
      row.serves?.hash === undefined ? "-" : cell(row.serves.hash.slice(0, SHORT_HASH)),
      row.sessions === undefined ? "-" : String(row.sessions),
      sayings(row),
    ]);
  return columns([heading, ...rows]) + more(pods.length, "pods");
}

function readyWord({ ready, metrics }: PodRow): string {
  const is = ready ?? metrics?.ready;
  return is === undefined ? "-" : is ? "yes" : "no";
}

function generationWord({ serves }: PodRow, newest: number | undefined): string {
  if (serves?.generation === undefined) return "-";
  const own = String(serves.generation);
  return newest === undefined || serves.generation === newest ? own : `${own} of ${newest}`;
}

function sayings({ leaving, phase, container, serves, silence }: PodRow): string {
  const said = [
    ...(leaving === true ? ["is being deleted"] : []),
    ...(phase === undefined || phase === "Running" ? [] : [phase]),
    ...(container?.waiting === undefined ? [] : [container.waiting]),
    ...(serves?.rejected === undefined ? [] : [`refuses a config: ${serves.rejected.problems.join("; ")}`]),
    ...(serves?.removed === true ? ["its config was removed"] : []),
    ...silence,
  ];
  return sentence(said.join(", "));
}

function backendsOf({ backends, moreBackends }: Report): string {
  if (backends.length === 0) return "";
  const rows = backends.slice(0, MOST_ROWS).map(({ service, port, routes, state, ready, all }) => {
    const endpoints = all === 0 ? "none" : ready === 0 ? `none of ${all}` : `${ready} of ${all}`;
    const word = { Endpoints: endpoints, NoService: "no such Service", ByName: "a name outside" }[state];
    return [cell(`${service}:${port}`), word, cell(routes.join(","))];
  });
  const left = moreBackends === 0 ? "" : `and ${moreBackends} more that were not looked at\n`;
  return columns([["BACKEND", "READY ENDPOINTS", "ROUTES"], ...rows]) + left;
}

function limitsOf({ limits, certificates, store, now }: Report): string {
  const figure = (amount: number, { bytes }: LimitRow): string =>
    bytes === true ? amountOfBytes(amount) : String(amount);
  const rows = limits
    .slice(0, MOST_ROWS)
    .map((row) => [
      cell(row.what),
      figure(row.used, row),
      figure(row.limit, row),
      `${Math.floor((100 * row.used) / Math.max(1, row.limit))} %`,
      row.pod === undefined ? "all pods together" : cell(row.pod),
    ]);
  const table = rows.length === 0 ? "" : columns([["LIMIT", "USED", "OF", "SHARE", "FULLEST"], ...rows]);
  const left = certificates.slice(0, MOST_ROWS).map(({ proxy, until }) => {
    const when = until <= now ? "has expired" : `expires in ${Math.floor((until - now) / DAY)} days`;
    return `certificate${proxy === "" ? "" : ` of ${safe(proxy)}`}: ${when}, ${dateOf(until)}\n`;
  });
  const answers =
    store === undefined
      ? ""
      : `store: ${store.away.length === 0 ? "available" : `not available for ${store.away.length} of ${store.asked}`}\n`;
  return [table, ...left, answers].join("");
}

function refusalsOf({ refusals, pods, now }: Report, next: NextCommands): string {
  if (refusals.length === 0)
    return pods.some(({ metrics }) => metrics !== undefined) ? "no handshake was refused lately\n" : "";
  const heading = ["REFUSED", "COUNT", `LAST ${RECENT / 60_000}m`, "NEWEST", "CLIENT", "ADDRESS", "ROUTE", "PATH"];
  const row = ({ reason, status, count, recent, newest }: RefusalRow): readonly string[] => [
    cell(`${status} ${reason}`),
    String(count),
    String(recent),
    `${age(newest.at, now)} ago`,
    optional(newest.client),
    optional(newest.address),
    optional(newest.route),
    optional(newest.path),
  ];
  const table = columns([heading, ...refusals.slice(0, MOST_ROWS).map(row)]);
  return `${table}next: ${next.wsproxy("trace", "--refused")}\n`;
}

function problemsText(problems: readonly Problem[], { missing }: Report): string {
  if (problems.length === 0) return missing.length === 0 ? "all is well\n" : "no problem in what could be read\n";
  const shown = problems
    .slice(0, MOST_PROBLEMS)
    .map(({ what, next }) => `- ${sentence(what)}\n${next.map((command) => `  next: ${safe(command)}\n`).join("")}`);
  const left = problems.length - MOST_PROBLEMS;
  const rest = left > 0 ? `and ${left} more; -o json has all\n` : "";
  return `${problems.length === 1 ? "a problem" : `${problems.length} problems`}:\n${shown.join("")}${rest}`;
}

function more(count: number, what: string): string {
  return count > MOST_ROWS ? `and ${count - MOST_ROWS} more ${what}; -o json has all\n` : "";
}

function dateOf(millis: number): string {
  const date = new Date(millis);
  return Number.isNaN(date.getTime()) ? "-" : date.toISOString();
}

function optional(text: string | undefined): string {
  return text === undefined ? "-" : cell(text);
}

function cell(text: string): string {
  return cut(text, LONGEST_CELL);
}

function sentence(text: string): string {
  return cut(text, LONGEST_MESSAGE);
}

function cut(text: string, width: number): string {
  const whole = safe(text.slice(0, 4 * width));
  const start = cutToWidth(whole, width);
  return start === whole ? whole : `${cutToWidth(whole, width - 1)}…`;
}

/** Line breaks of a message become spaces. */
function safe(text: string): string {
  return oneLine(text.replaceAll(/\s*\n\s*/g, " "));
}
