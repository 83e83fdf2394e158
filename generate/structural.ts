import { CALLED } from "../api/rule.ts";
import type { Schema } from "./schema.ts";

/** A JSON Schema as a Kubernetes structural schema. Throws at what Kubernetes would refuse. */
export function structural(schema: Schema): Schema {
  const { properties, items, additionalProperties, anyOf, propertyNames } = schema;
  const rest = without(schema, "properties", "items", "additionalProperties", "anyOf", "propertyNames", CALLED);
  if (propertyNames !== undefined && Object.keys(propertyNames).some((key) => key !== "type"))
    throw new Error("Kubernetes knows no bounds of a map's keys: write them as a rule");
  if (anyOf !== undefined && rest.type === undefined) return { ...intOrString(anyOf), ...rest };
  if (anyOf !== undefined) return { ...rest, anyOf };
  if (items !== undefined) return { ...rest, items: structural(items) };
  if (properties !== undefined) {
    const entries = Object.entries(properties).map(([name, field]) => [name, structural(field)]);
    return { ...rest, properties: Object.fromEntries(entries) };
  }
  const passed = rest["x-kubernetes-preserve-unknown-fields"] === true;
  if (passed || additionalProperties === undefined || additionalProperties === false) return rest;
  return { ...rest, additionalProperties: structural(additionalProperties) };
}

/** The bounds of both types side by side: each applies only to values of its type. */
function intOrString(anyOf: readonly Schema[]): Schema {
  const [number, text] = anyOf;
  if (anyOf.length !== 2 || number?.type !== "integer" || text?.type !== "string")
    throw new Error("the only union that Kubernetes knows is of a whole number and a text");
  return { anyOf: [{ type: "integer" }, { type: "string" }], ...without(number, "type"), ...without(text, "type") };
}

function without(schema: Schema, ...keys: readonly string[]): Schema {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => !keys.includes(key)));
}
