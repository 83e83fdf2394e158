import type { ApiCall } from "../fakes/api-call.ts";
import type { Rendered } from "./helm.ts";

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

export const isRole = ({ kind }: Rendered): boolean => kind === "Role" || kind === "ClusterRole";
export const rulesOf = (role: Rendered | undefined): readonly Rule[] => (role?.["rules"] ?? []) as readonly Rule[];

/** The permissions that rules grant, each as `verb group/resource`. */
export function granted(rules: readonly Rule[]): string[] {
  const each = rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.map((verb) => `${verb} ${group}/${resource}`))),
  );
  return [...new Set(each)].sort();
}

/**
 * The permissions that a call needs, in the same form, derived from method and path as in the API server's authorizer.
 */
export function needs({ method, path, query, headers }: ApiCall): string[] {
  const [, group = "", rest = ""] = /^\/(?:api|apis\/([^/]+))\/v[^/]+\/(.*)$/.exec(path) ?? [];
  const [resource, name, subresource] = rest.replace(/^namespaces\/[^/]+\//, "").split("/");
  const what = `${group}/${resource}${subresource === undefined ? "" : `/${subresource}`}`;
  const one = name !== undefined;
  switch (method) {
    case "GET":
      return [`${one ? "get" : query["watch"] === "true" ? "watch" : "list"} ${what}`];
    case "POST":
      return [`create ${what}`];
    case "PUT":
      return [`update ${what}`];
    case "DELETE":
      return [`delete ${what}`];
    case "PATCH": {
      // An apply creates a missing object, so it needs create too; an apply of a status does not.
      const makes =
        headers["content-type"]?.startsWith("application/apply-patch") === true && subresource === undefined;
      return [`patch ${what}`, ...(makes ? [`create ${what}`] : [])];
    }
    default:
      throw new Error(`${method} ${path}`);
  }
}
