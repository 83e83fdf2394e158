import type { LabelSelector } from "../../api/policies/authentication.ts";

/** Does a label selector match? As in Kubernetes: every requirement must hold, and an absent label is not in any list. */
export function matches(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  const label = (key: string): string | undefined => (Object.hasOwn(labels, key) ? labels[key] : undefined);
  const { matchLabels = {}, matchExpressions = [] } = selector;
  if (!Object.entries(matchLabels).every(([key, value]) => label(key) === value)) return false;
  return matchExpressions.every(({ key, operator, values = [] }) => {
    const value = label(key);
    switch (operator) {
      case "In":
        return value !== undefined && values.includes(value);
      case "NotIn":
        return value === undefined || !values.includes(value);
      case "Exists":
        return value !== undefined;
      case "DoesNotExist":
        return value === undefined;
    }
  });
}
