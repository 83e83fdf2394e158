import type { z } from "zod";

/** Where a schema carries its rules for the API server. */
export const RULES = "x-kubernetes-validations";

/** Where a schema carries what its values are called in the reference, such as `duration`; not part of the CRD. */
export const CALLED = "x-called";

/** What the schema's own words cannot say, such as how two fields go together. */
export interface Rule {
  /** In CEL, about `self`. All that it looks at must have bounds, or the API server finds the rule too dear. */
  readonly cel: string;
  /** One line: what is wrong and what to write instead. */
  readonly message: string;
  /** The field of the value that has to change; absent: the value itself. */
  readonly field?: string;
  readonly reason?: "FieldValueRequired" | "FieldValueForbidden";
}

/** Adds a rule in both its forms, side by side so that they do not drift apart: `check` for us, CEL for the API server. */
export function rule<T extends z.ZodType>(schema: T, twin: Rule, check: (value: z.output<T>) => boolean): T {
  const { cel, message, field, reason } = twin;
  const meta = schema.meta() ?? {};
  const before = (meta[RULES] as readonly object[] | undefined) ?? [];
  const added = {
    rule: cel,
    message,
    ...(field === undefined ? {} : { fieldPath: `.${field}` }),
    ...(reason === undefined ? {} : { reason }),
  };
  return schema
    .refine(check, { message, path: field === undefined ? [] : [field] })
    .meta({ ...meta, [RULES]: [...before, added] });
}
