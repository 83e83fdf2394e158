import type { z } from "zod";

/** A user's mistake as a value: it becomes a condition or a line of `wsproxy check`, never an exception. */
export interface Problem<Reason extends string = string> {
  readonly reason: Reason;
  /** What is wrong and what to write instead. Never holds a value of a Secret. */
  readonly message: string;
  /** The field, as a path from the root of the resource: `spec.routes[0].path.value`. */
  readonly at: string;
}

/** The value that a schema parsed, or every mistake in it. */
export type Read<T, Reason extends string> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly Problem<Reason>[] };

export type Schema<T> = z.ZodType<T>;

/** Parses a value with a schema. `root` is the path of the value in its resource. Never throws. */
export function read<T, Reason extends string>(
  schema: Schema<T>,
  value: unknown,
  root: string,
  reason: Reason,
): Read<T, Reason> {
  const { data, error } = schema.safeParse(value, { error: wordsOf });
  if (error === undefined) return { ok: true, value: data };
  return { ok: false, problems: problemsOf(error, root, reason) };
}

/** `["routes", 0, "path"]` below `spec` → `spec.routes[0].path`. */
export function fieldPath(root: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>((at, key) => {
    if (typeof key === "number") return `${at}[${key}]`;
    const name = String(key);
    return /^[A-Za-z0-9_-]{1,100}$/.test(name) ? (at === "" ? name : `${at}.${name}`) : `${at}[${quoted(name)}]`;
  }, root);
}

/** The issues of a failed parse. */
export interface Issues {
  readonly issues: readonly z.core.$ZodIssue[];
}

/** Each issue of a failed parse as a problem with the path of its field; at most 1,000. */
export function problemsOf<Reason extends string>({ issues }: Issues, root: string, reason: Reason): Problem<Reason>[] {
  const problems = firstOfEach(issues).flatMap((issue) => {
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({
        reason,
        message: `unknown field ${quoted(key)}; remove it or correct its spelling`,
        at: fieldPath(root, [...issue.path, key]),
      }));
    }
    return [{ reason, message: issue.message, at: fieldPath(root, issue.path) }];
  });
  return problems.slice(0, MOST_PROBLEMS);
}

/** Problems of one value that are returned: more than a reader needs, and few enough for the memory. */
const MOST_PROBLEMS = 1000;

/** A value of the wrong type or form breaks its rules too: only the first issue of each path is returned. */
function firstOfEach(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue[] {
  const seen = new Set<string>();
  return issues.filter(({ code, path }) => {
    const key = JSON.stringify(path);
    if ((code === "invalid_format" || code === "custom") && seen.has(key)) return false;
    if (code !== "custom") seen.add(key);
    return true;
  });
}

/** A user's text in quotes: on one line, at most 100 characters, control characters escaped. */
export function quoted(text: string): string {
  const shown = text.length > 100 ? `${text.slice(0, 99)}…` : text;
  return JSON.stringify(shown).replaceAll(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The message for an issue without one of its schema; undefined: the message of zod. */
function wordsOf(issue: z.core.$ZodRawIssue): string | undefined {
  const { code, input } = issue;
  if (code === "invalid_type") {
    if (input === undefined) return "is required";
    const expected = a(issue.expected);
    return typeof input === "number" && (issue.expected === "int" || issue.expected === "number")
      ? `must be ${expected}`
      : `must be ${expected}, not ${a(typeName(input))}`;
  }
  if (code === "invalid_value")
    return input === undefined ? "is required" : `must be ${issue.values.map(String).join(" or ")}`;
  if (code === "too_small") return `must ${extent("at least", Number(issue.minimum), issue.origin)}`;
  if (code === "too_big") return `must ${extent("at most", Number(issue.maximum), issue.origin)}`;
  return undefined;
}

const UNITS: Readonly<Record<string, string>> = {
  string: "character",
  array: "item",
  record: "entry",
  object: "entry",
};

function extent(bound: string, limit: number, origin: string): string {
  const unit = UNITS[origin];
  if (unit === undefined) return `be ${bound} ${limit}`;
  if (limit === 1 && bound === "at least") return "not be empty";
  return `have ${bound} ${limit} ${limit === 1 ? unit : unit.replace(/y$/, "ie")}${limit === 1 ? "" : "s"}`;
}

const TYPES: Readonly<Record<string, string>> = { int: "whole number", array: "list", record: "object" };

function typeName(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
}

function a(type: string): string {
  const name = TYPES[type] ?? type;
  if (name === "null") return name;
  return `${/^[aeiou]/.test(name) ? "an" : "a"} ${name}`;
}
