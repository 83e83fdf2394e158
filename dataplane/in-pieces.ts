import * as api from "../api/config.ts";
import { policies as policyTable, type PolicyKind } from "../api/policies/index.ts";
import type { Issues, Schema } from "../api/problem.ts";
import { hashOf } from "../runtime/packed-text.ts";
import type { Slices } from "../runtime/slices.ts";

type Issue = Issues["issues"][number];

/** What a schema made of a value, or every mistake in it. */
export type Outcome<T> = { readonly value: T } | Issues;

/** Settings that were believed before, by their kind and text. */
export type Believed = ReadonlyMap<unknown, unknown>;

interface Divisible {
  readonly policies: Readonly<Record<string, readonly unknown[]>>;
  readonly routes: readonly unknown[];
}

/** Routes that are read at a time. */
const ROUTES = 50;
/** Longer lists are refused for their length before anything in them is read. */
const MOST_PIECES = 4096;

/**
 * Reads a config as `api.config` does, and says of it just what that says, but a piece at a time. Settings that stood in
 * the last config too are read no more, and stay the very same objects: what was made of them need not be made again.
 */
export async function configInPieces(
  raw: unknown,
  before: Believed,
  slices: Slices,
): Promise<Outcome<api.Config> & { readonly believed: Believed }> {
  if (!isDivisible(raw)) return { ...outcome(api.config.safeParse(raw)), believed: before };
  const kinds = Object.keys(raw.policies);
  const empty = Object.fromEntries(kinds.map((kind) => [kind, []]));
  const head = outcome(api.config.safeParse({ ...raw, policies: empty, routes: [] }));
  const settings = await settingsInPieces(raw.policies, before, slices);
  const routes = await routesInPieces(raw.routes, slices);
  const { believed } = settings;
  if ("value" in head && settings.issues.length === 0 && routes.issues.length === 0) {
    const value = { ...head.value, policies: settings.policies, routes: routes.routes };
    return { ...(arePlaced(value) ? { value } : { issues: [MISPLACED] }), believed };
  }
  const others = "issues" in head ? head.issues : [];
  const issues = [
    ...others.filter(({ path: [first] }) => first !== undefined && first !== "policies"),
    ...settings.issues,
    ...others.filter(({ path: [first] }) => first === "policies"),
    ...routes.issues,
    ...others.filter(({ path: [first] }) => first === undefined),
  ];
  // As schemas do: a rule is looked at where all is of the right type, whatever stands beside it.
  const typed = issues.every(({ code }) => code === "unrecognized_keys");
  return { issues: typed && !arePlaced(raw as never) ? [...issues, MISPLACED] : issues, believed };
}

/** As above, for endpoints: those of one backend are a piece. */
export async function endpointsInPieces(raw: unknown, slices: Slices): Promise<Outcome<api.Endpoints>> {
  if (!isRecord(raw) || !isRecord(raw["backends"])) return outcome(api.endpoints.safeParse(raw));
  const head = outcome(api.endpoints.safeParse({ ...raw, backends: {} }));
  const issues: Issue[] = [];
  const backends: [string, api.Endpoint[]][] = [];
  for (const [name, list] of Object.entries(raw["backends"])) {
    if (slices.spent) await slices.next();
    const read = outcome(api.endpoints.shape.backends.safeParse(Object.fromEntries([[name, list]])));
    if ("value" in read) backends.push(...Object.entries(read.value));
    else issues.push(...below(["backends"], read.issues));
  }
  if ("value" in head && issues.length === 0) {
    return { value: { ...head.value, backends: Object.fromEntries(backends) } };
  }
  const others = "issues" in head ? head.issues : [];
  const first = others.filter(({ path }) => path.length > 0);
  return { issues: [...first, ...issues, ...others.filter(({ path }) => path.length === 0)] };
}

async function settingsInPieces(
  raw: Divisible["policies"],
  before: Believed,
  slices: Slices,
): Promise<{ policies: api.Config["policies"]; issues: Issue[]; believed: Believed }> {
  const issues: Issue[] = [];
  const believed = new Map<unknown, unknown>();
  const policies: Record<string, unknown[]> = {};
  for (const kind of Object.keys(policyTable) as PolicyKind[]) {
    const list = raw[kind];
    if (list === undefined) continue;
    const read: unknown[] = (policies[kind] = []);
    const schema: Schema<unknown> = policyTable[kind].rendered;
    for (const [place, item] of list.entries()) {
      if (slices.spent) await slices.next();
      const name = nameOf(kind, item);
      const known = believed.get(name) ?? before.get(name);
      const settings: Outcome<unknown> =
        known === undefined ? outcome<unknown>(schema.safeParse(item)) : { value: known };
      if ("issues" in settings) issues.push(...below(["policies", kind, place], settings.issues));
      else {
        believed.set(name, settings.value);
        read.push(settings.value);
      }
    }
  }
  return { policies: policies as api.Config["policies"], issues, believed };
}

async function routesInPieces(
  raw: readonly unknown[],
  slices: Slices,
): Promise<{ routes: api.Config["routes"]; issues: Issue[] }> {
  const issues: Issue[] = [];
  const routes: api.Config["routes"] = [];
  for (let at = 0; at < raw.length; at += ROUTES) {
    if (slices.spent) await slices.next();
    const read = outcome(api.config.shape.routes.safeParse(raw.slice(at, at + ROUTES)));
    if ("value" in read) routes.push(...read.value);
    else issues.push(...below(["routes"], read.issues, at));
  }
  return { routes, issues };
}

const MISPLACED = { code: "custom", path: ["routes"], message: api.MISPLACED, input: undefined } satisfies Issue;

const arePlaced = api.settingsArePlaced;

/** Two of one kind with the same name are the same settings; of what is nested without end each is another. */
function nameOf(kind: PolicyKind, settings: unknown): unknown {
  try {
    return `${kind} ${hashOf(JSON.stringify(settings))}`;
  } catch {
    return settings;
  }
}

/** The same issues of a value that stands further inside; `offset`: by how much its first key is higher. */
function below(path: readonly PropertyKey[], issues: readonly Issue[], offset = 0): Issue[] {
  return issues.map((issue) => {
    const [first, ...rest] = issue.path;
    const own = typeof first === "number" ? [first + offset, ...rest] : issue.path;
    return { ...issue, path: [...path, ...own] };
  });
}

function outcome<T>(parsed: { success: true; data: T } | { success: false; error: { issues: Issue[] } }): Outcome<T> {
  return parsed.success ? { value: parsed.data } : { issues: parsed.error.issues };
}

function isDivisible(raw: unknown): raw is Divisible {
  if (!isRecord(raw) || !isRecord(raw["policies"])) return false;
  return [raw["routes"], ...Object.values(raw["policies"])].every(
    (list) => Array.isArray(list) && list.length <= MOST_PIECES,
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
