import type { z } from "zod";

/** A user's mistake as a value: it becomes a condition or a line of `wsproxy check`, never an exception. */
export interface Problem<Reason extends string = string> {
  readonly reason: Reason;
  /** What is wrong and what to write instead. Never holds a value of a Secret. */
  readonly message: string;
  /** The field, as a path from the root of the resource: `spec.routes[0].path.value`. */
  readonly at: string;
}

/** `["routes", 0, "path"]` below `spec` → `spec.routes[0].path`. */
export function fieldPath(root: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>((at, key) => {
    if (typeof key === "number") return `${at}[${key}]`;
    const name = String(key);
    return /^[A-Za-z0-9_-]+$/.test(name) ? (at === "" ? name : `${at}.${name}`) : `${at}["${name}"]`;
  }, root);
}

/** Every issue of a failed parse as a problem of its own, each with the path of its field. */
export function problemsOf<Reason extends string>(error: z.ZodError, root: string, reason: Reason): Problem<Reason>[] {
  return error.issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({
        reason,
        message: `unknown field "${key.slice(0, 100)}"; remove it or correct its spelling`,
        at: fieldPath(root, [...issue.path, key]),
      }));
    }
    return [{ reason, message: issue.message, at: fieldPath(root, issue.path) }];
  });
}
