import type { LabelSelector } from "../../../api/policies/api-key-method.ts";

/** Does a label selector match, as in Kubernetes? Every requirement has to hold, and an absent label is in no list. */
export function matches(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  const label = (key: string): string | undefined => (Object.hasOwn(labels, key) ? labels[key] : undefined);
  const { matchLabels = {}, matchExpressions = [] } = selector;
  if (!Object.entries(matchLabels).every(([key, value]) => label(key) === value)) return false;
  return matchExpressions.every(({ key, operator, values = [] }) => OPERATORS[operator](label(key), values));
}

type Operator = NonNullable<LabelSelector["matchExpressions"]>[number]["operator"];
type Test = (value: string | undefined, values: readonly string[]) => boolean;

const OPERATORS: Readonly<Record<Operator, Test>> = {
  In: (value, values) => value !== undefined && values.includes(value),
  NotIn: (value, values) => value === undefined || !values.includes(value),
  Exists: (value) => value !== undefined,
  DoesNotExist: (value) => value === undefined,
};
