import { CALLED, RULES } from "../api/rule.ts";
import type { Schema } from "./schema.ts";

/** Name of a field's type in the reference. */
export function typeOf(schema: Schema): string {
  const { [CALLED]: called, type, enum: words, items, additionalProperties } = schema;
  if (typeof called === "string") return called;
  if (words !== undefined) return words.map((word) => `\`${word}\``).join(" or ");
  if (items !== undefined) return `list of ${plural(items)}`;
  if (schema["x-kubernetes-preserve-unknown-fields"] === true) return "Kubernetes object";
  if (additionalProperties !== undefined && additionalProperties !== false)
    return `map of ${plural(additionalProperties)}`;
  return { integer: "number", string: "text", boolean: "true or false" }[String(type)] ?? String(type);
}

function plural(schema: Schema): string {
  const word = typeOf(schema);
  if (/ |`/.test(word) && !/(name|object)$/.test(word)) return word;
  return { CIDR: "CIDRs", key: "keys" }[word] ?? `${word}s`;
}

/** Default of a field as Markdown; empty: it has none. */
export function defaultOf({ default: value }: Schema): string {
  if (value === undefined) return "";
  return value === "" ? '`""`' : `\`${JSON.stringify(value).replaceAll('"', "").replaceAll(/[,:]/g, "$& ")}\``;
}

/** The bounds of a field in words; empty: its type says enough. */
export function boundsOf(schema: Schema): string {
  const { minimum, maximum, minLength = 0, maxLength, minItems = 0, maxItems, maxProperties, items, anyOf } = schema;
  const many = (least: number, most: number, what: string): string =>
    least === 0 ? `at most ${number(most)} ${what}` : `${number(least)} to ${number(most)} ${what}`;
  const parts: string[] = [];
  if (anyOf?.[0]?.minimum === 1 && schema[CALLED] === "size") parts.push("more than 0");
  if (minimum !== undefined && maximum !== undefined) parts.push(`${number(minimum)} to ${number(maximum)}`);
  if (maxLength !== undefined && schema[CALLED] === undefined) parts.push(many(minLength, maxLength, "characters"));
  if (maxItems !== undefined) parts.push(many(minItems, maxItems, "items"));
  if (maxProperties !== undefined && items === undefined) parts.push(many(0, maxProperties, "entries"));
  if (schema.properties === undefined) parts.push(...rulesOf(schema).map(({ message }) => message));
  if (items !== undefined && items.properties === undefined)
    parts.push(...rulesOf(items).map(({ message }) => message));
  return parts.join("; ");
}

/** The rules of a schema itself. */
export function rulesOf(schema: Schema): readonly { readonly message: string; readonly fieldPath?: string }[] {
  return (schema[RULES] ?? []) as never;
}

const number = (value: number): string => value.toLocaleString("en");
