import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { fieldPath } from "../../api/problem.ts";
import type { Schema } from "../../generate/schema.ts";
import { shown, type Sample } from "./proxy.ts";

type Path = readonly (string | number)[];

const EXAMPLE = join(import.meta.dirname, "../../examples/reference/every-field.yaml");

/** What these may be depends on what stands beside them: see the samples of rules. */
const RULED: ReadonlySet<string> = new Set(["mode", "require", "operator", "address"]);

/**
 * Of every field of the schema values at its bounds, and values just beyond them. Each is put into a resource in which
 * every field stands, so that nothing else is wrong with it.
 */
export function boundSamples(schema: Schema): Sample[] {
  const gateway = everyField();
  const sidecar = {
    ...without(gateway, "gateway"),
    mode: "Sidecar",
    sidecar: { selector: { matchLabels: { app: "chat" } } },
  };
  return fieldsOf(schema, []).flatMap(([path, field]) => {
    const base = path[0] === "sidecar" ? sidecar : gateway;
    const at = fieldPath("spec", path);
    const put = (value: unknown): object => withValue(alone(base, path), path, value) as object;
    const standing = valueAt(base, path) ?? {};
    return [
      ...(RULED.has(String(path.at(-1))) ? [] : within(field)).map((value) => ({
        name: `${at} may be ${shown(value)}`,
        spec: put(value),
      })),
      ...beyond(field, standing).map((value) => ({ name: `${at} cannot be ${shown(value)}`, spec: put(value), at })),
      ...missing(field, standing).map(([name, value]) => ({
        name: `${at} needs ${name}`,
        spec: put(value),
        at: fieldPath(at, [name]),
      })),
      ...(field.properties === undefined
        ? []
        : [
            {
              name: `${at} has no field nonsense`,
              spec: put({ ...standing, nonsense: 1 }),
              at: `${at}.nonsense`,
            },
          ]),
      ...duplicates(field, standing).map((value) => ({
        name: `${at} names nothing twice`,
        spec: put(value),
        at: at === "spec.routes" ? `${at}[${value.length - 1}].name` : at,
      })),
    ];
  });
}

/** The example, with all policies in both places where policies may stand. */
function everyField(): Record<string, unknown> {
  type Spec = { policies: object; routes: { policies: object }[] };
  const { spec } = parse(readFileSync(EXAMPLE, "utf8")) as { readonly spec: Spec };
  const policies = { ...spec.policies, ...spec.routes[0]?.policies };
  return {
    ...spec,
    policies,
    routes: spec.routes.map((route, index) => (index === 0 ? { ...route, policies } : route)),
  };
}

/** The resource without those fields that must not stand beside this one. */
function alone(base: object, path: Path): object {
  const [kind, name] = path.slice(-2);
  const parent = path.slice(0, -1);
  if (name === "per") return withValue(base, path.slice(0, -2), [valueAt(base, parent)]) as object;
  if (kind === "service" && name === "type") return withValue(base, parent, {}) as object;
  const beside = name === "encoding" ? { subprotocol: "key" } : {};
  if (path.at(-3) === "from" && kind === 0) return withValue(base, parent, beside) as object;
  const claim = path.indexOf("requiredClaims") + 2;
  if (claim > 1 && path[claim] === "path")
    return withValue(base, path.slice(0, claim), { path: ["tenant"], values: ["acme"] }) as object;
  if (kind !== "jwks") return base;
  return withValue(base, parent, name === "key" ? { secretName: "keys" } : {}) as object;
}

/** Every field below a schema, the items of lists included. */
export function fieldsOf(schema: Schema, path: Path): [Path, Schema][] {
  const below = [
    ...Object.entries(schema.properties ?? {}).flatMap(([name, field]) => fieldsOf(field, [...path, name])),
    ...(schema.items === undefined ? [] : fieldsOf(schema.items, [...path, 0])),
  ];
  return path.length === 0 ? below : [[path, schema], ...below];
}

function within({ type, enum: words, minimum, maximum, maxLength, pattern }: Schema): unknown[] {
  if (words !== undefined) return [...words];
  if (minimum !== undefined && maximum !== undefined) return [minimum, maximum];
  if (type === "string" && maxLength !== undefined && pattern === undefined) return ["a".repeat(maxLength)];
  return [];
}

function beyond(schema: Schema, standing: unknown): unknown[] {
  const { enum: words, minimum, maximum, minLength, maxLength, pattern, minItems, maxItems, maxProperties } = schema;
  return [
    ...(schema["x-kubernetes-int-or-string"] === true ? [true, 1.5] : [wrongType(schema)]),
    ...(words === undefined ? [] : ["Nonsense", ""]),
    ...(minimum === undefined || minimum === 0 ? [] : [minimum - 1]),
    ...(minimum === undefined ? [] : [-1]),
    ...(maximum === undefined ? [] : [maximum + 1]),
    ...(minLength === undefined ? [] : [""]),
    ...(maxLength === undefined ? [] : ["a".repeat(maxLength + 1)]),
    ...(pattern === undefined ? [] : ["ä\n"]),
    ...(minItems === undefined ? [] : [[]]),
    ...(maxItems === undefined ? [] : [crowd(maxItems + 1, standing, schema)]),
    ...(maxProperties === undefined
      ? []
      : [Object.fromEntries(Array.from({ length: maxProperties + 1 }, (_, index) => [`k${index}`, "v"]))]),
  ];
}

function wrongType({ type }: Schema): unknown {
  return type === "string" || type === "boolean" ? 7 : "text";
}

function missing({ required = [] }: Schema, standing: unknown): [string, object][] {
  return required.map((name) => [name, without(standing as object, name)]);
}

/** A Kubernetes list map or set with its first item once more. */
function duplicates(schema: Schema, standing: unknown): unknown[][] {
  if (!["map", "set"].includes(String(schema["x-kubernetes-list-type"]))) return [];
  const items = standing as unknown[];
  return [[...items, items[0]]];
}

/** As many items as a list cannot hold, each with a name of its own; those of a set are addresses. */
function crowd(length: number, standing: unknown, { items, ...list }: Schema): unknown[] {
  if (list["x-kubernetes-list-type"] === "set") {
    return Array.from({ length }, (_, index) => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`);
  }
  const [first] = Array.isArray(standing) ? (standing as readonly unknown[]) : [];
  const item = first ?? (items?.type === "string" ? "a" : {});
  const named = items?.properties?.["name"] !== undefined;
  return Array.from({ length }, (_, index) => (named ? { ...item, name: `n${index}` } : item));
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Record<string | number, unknown> | undefined)?.[key], value);
}

function withValue(value: unknown, [key, ...rest]: Path, put: unknown): unknown {
  if (key === undefined) return put;
  const inner = withValue((value as Record<string | number, unknown> | undefined)?.[key], rest, put);
  if (typeof key === "string") return { ...(value as object | undefined), [key]: inner };
  return Object.assign([...((value as unknown[] | undefined) ?? [])], { [key]: inner });
}

function without(value: object, key: string): object {
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
}
