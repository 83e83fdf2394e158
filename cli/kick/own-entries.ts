import { isRecord, list, record } from "../../api/unchecked.ts";
import type { KubeObject } from "../../operator/kube/kinds.ts";

/** Clients that one field manager has put into lists deny.clients. */
export interface OwnEntries {
  /** In spec.policies. */
  readonly clients: readonly string[];
  /** By name of the route. */
  readonly routes: ReadonlyMap<string, readonly string[]>;
}

/** What a manager owns by its last apply, from the managed fields of the object (FieldsV1 of server-side apply). */
export function ownEntries({ metadata }: KubeObject, manager: string): OwnEntries {
  const managed = list(record(metadata)["managedFields"]).map(record);
  const ours = managed.find(
    (one) => one["manager"] === manager && one["operation"] === "Apply" && (one["subresource"] ?? "") === "",
  );
  const spec = record(record(ours?.["fieldsV1"])["f:spec"]);
  const routes = Object.entries(record(spec["f:routes"])).flatMap(([key, fields]) => {
    const name = keyed(key, "k:");
    if (!isRecord(name) || typeof name["name"] !== "string") return [];
    return [[name["name"], clientsIn(record(fields))] as const];
  });
  return { clients: clientsIn(spec), routes: new Map(routes) };
}

/** Entries of a set stand as `v:` with the value as JSON. */
function clientsIn(fields: Readonly<Record<string, unknown>>): readonly string[] {
  const deny = record(record(fields["f:policies"])["f:deny"]);
  return Object.keys(record(deny["f:clients"])).flatMap((key) => {
    const value = keyed(key, "v:");
    return typeof value === "string" ? [value] : [];
  });
}

function keyed(key: string, prefix: string): unknown {
  if (!key.startsWith(prefix)) return undefined;
  try {
    return JSON.parse(key.slice(prefix.length));
  } catch {
    return undefined;
  }
}
