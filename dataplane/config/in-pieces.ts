import * as api from "../../api/config.ts";
import { policies as policyTable, type PolicyKind } from "../../api/policies/index.ts";
import type { Issues, Schema } from "../../api/problem.ts";
import { hashOf } from "../../runtime/packed-text.ts";
import type { Slices } from "../../runtime/loop/slices.ts";

type Issue = Issues["issues"][number];

/** What a schema made of a value, or every mistake in it. */
export type Outcome<T> = { readonly value: T } | Issues;

/** Settings and routes that were believed before, by their kind and text. */
export type Believed = ReadonlyMap<unknown, unknown>;

interface Divisible {
  readonly policies: Readonly<Record<string, readonly unknown[]>>;
  readonly routes: readonly unknown[];
}

/** Longer lists are refused for their length before anything in them is read. */
const MOST_PIECES = 4096;

/**
 * Parses a config as `api.config` does, with the same words for each mistake, but a piece at a time. Settings and routes
 * that are as in the last config stay the very same objects: what was compiled from them is not compiled again.
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
  const reader = new PieceReader(before, slices);
  const settings = await settingsInPieces(raw.policies, reader);
  const routes = await reader.list("routes", api.config.shape.routes.element, raw.routes);
  const { believed } = reader;
  if ("value" in head && settings.issues.length === 0 && routes.issues.length === 0) {
    const value = { ...head.value, policies: settings.policies, routes: routes.values as api.Config["routes"] };
    return { ...(areIndexed(value) ? { value } : { issues: [INDEX_UNKNOWN] }), believed };
  }
  const others = "issues" in head ? head.issues : [];
  const issues = [
    ...others.filter(({ path: [first] }) => first !== undefined && first !== "policies"),
    ...settings.issues,
    ...others.filter(({ path: [first] }) => first === "policies"),
    ...below(["routes"], routes.issues),
    ...others.filter(({ path: [first] }) => first === undefined),
  ];
  // As schemas do: a rule is looked at where every field is of the right type, even beside unknown fields.
  const typed = issues.every(({ code }) => code === "unrecognized_keys");
  const indexed = typed ? api.indexedSettings.safeParse(raw).data : undefined;
  const unknownIndex = indexed !== undefined && !areIndexed(indexed);
  return { issues: unknownIndex ? [...issues, INDEX_UNKNOWN] : issues, believed };
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

/** What was read of a list. */
interface Pieces {
  readonly values: unknown[];
  readonly issues: Issue[];
}

async function settingsInPieces(
  raw: Divisible["policies"],
  reader: PieceReader,
): Promise<{ policies: api.Config["policies"]; issues: Issue[] }> {
  const issues: Issue[] = [];
  const policies: Record<string, never[]> = {};
  for (const kind of Object.keys(policyTable) as PolicyKind[]) {
    const list = raw[kind];
    if (list === undefined) continue;
    const read = await reader.list(kind, policyTable[kind].rendered, list);
    policies[kind] = read.values as never[];
    issues.push(...below(["policies", kind], read.issues));
  }
  return { policies, issues };
}

/** Reads lists item by item; an item that stood in the last config is what it was then. */
class PieceReader {
  readonly believed = new Map<unknown, unknown>();
  readonly #before: Believed;
  readonly #slices: Slices;

  constructor(before: Believed, slices: Slices) {
    this.#before = before;
    this.#slices = slices;
  }

  async list(kind: string, schema: Schema<unknown>, items: readonly unknown[]): Promise<Pieces> {
    const values: unknown[] = [];
    const issues: Issue[] = [];
    for (const [index, item] of items.entries()) {
      if (this.#slices.spent) await this.#slices.next();
      const name = nameOf(kind, item);
      const known = this.believed.get(name) ?? this.#before.get(name);
      const read: Outcome<unknown> = known === undefined ? outcome<unknown>(schema.safeParse(item)) : { value: known };
      if ("issues" in read) issues.push(...below([index], read.issues));
      else {
        this.believed.set(name, read.value);
        values.push(read.value);
      }
    }
    return { values, issues };
  }
}

const INDEX_UNKNOWN = {
  code: "custom",
  path: ["routes"],
  message: api.INDEX_UNKNOWN,
  input: undefined,
} satisfies Issue;

const areIndexed = api.settingsAreIndexed;

/** Two of one kind with the same name are equal; a value that is nested too deep to be written stands for itself. */
function nameOf(kind: string, settings: unknown): unknown {
  try {
    return `${kind} ${hashOf(JSON.stringify(settings))}`;
  } catch {
    return settings;
  }
}

/** The same issues, with the path from further outside. */
function below(path: readonly PropertyKey[], issues: readonly Issue[]): Issue[] {
  return issues.map((issue) => ({ ...issue, path: [...path, ...issue.path] }));
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
