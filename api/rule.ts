import type { z } from "zod";

/** Key of the JSON Schema that holds the rules for the API server. */
export const RULES = "x-kubernetes-validations";

/** Key that holds the name of a type in the reference, such as `duration`; not part of the CRD. */
export const CALLED = "x-called";

/** A rule that JSON Schema cannot express, such as how two fields go together. */
export interface Rule {
  /** In CEL, about `self`. Every value that it reads needs a bound, or the API server refuses the rule for its cost. */
  readonly cel: string;
  /** One line: what is wrong and what to write instead. */
  readonly message: string;
  /** The field of the value that has to change, such as `listener.port`; absent: the value itself. */
  readonly field?: string;
  readonly reason?: "FieldValueRequired" | "FieldValueForbidden";
  /** Present: `check` looks also at a value of which another field is wrong, if this says that it can. */
  readonly readable?: (value: unknown) => boolean;
}

/** Adds a rule in both forms: `check` for wsproxy, CEL for the API server. Both must accept the same values. */
export function rule<T extends z.ZodType>(schema: T, twin: Rule, check: (value: z.output<T>) => boolean): T {
  const { message, field, readable } = twin;
  const checked = schema.refine(check, {
    message,
    path: field === undefined ? [] : field.split("."),
    ...(readable === undefined ? {} : { when: (parsed) => readable(parsed.value) }),
  });
  return withRule(checked, schema, twin);
}

/** Adds a rule about an edit, which only the API server can check: its CEL compares `self` with `oldSelf`. */
export function editRule<T extends z.ZodType>(schema: T, twin: Pick<Rule, "cel" | "message">): T {
  return withRule(schema, schema, twin);
}

/** A rule in the form of the CRD. */
export function crdRule({ cel, message, field, reason }: Rule): object {
  return {
    rule: cel,
    message,
    ...(field === undefined ? {} : { fieldPath: `.${field}` }),
    ...(reason === undefined ? {} : { reason }),
  };
}

function withRule<T extends z.ZodType>(checked: T, before: T, twin: Rule): T {
  const meta = before.meta() ?? {};
  const rules = (meta[RULES] as readonly object[] | undefined) ?? [];
  return checked.meta({ ...meta, [RULES]: [...rules, crdRule(twin)] });
}
