import { describe, expect, test } from "vitest";
import { KINDS, type KindName } from "../../operator/kube/kinds.ts";
import { helmBinary, objects, template, type Rendered } from "./helm.ts";

type Verbs = Readonly<Record<string, string>>;

const LOOKED_AT = {
  list: "the cache reads all once, and again after a watch was lost",
  watch: "the cache stays up to date",
};
const OURS = {
  ...LOOKED_AT,
  get: "an object that has its name, and not our labels, is not in the cache",
  create: "the first apply makes it",
  patch: "every later apply",
  delete: "it goes when the proxy no longer wants it",
};

/** Every permission where WebSocketProxies are, and why the operator needs it. */
const needed: Readonly<Record<string, Verbs>> = {
  WebSocketProxy: LOOKED_AT,
  "WebSocketProxy/status": { patch: "the status is an apply of its own" },
  "WebSocketProxy/finalizers": {
    update: "OwnerReferencesPermissionEnforcement asks for it, where an owner reference blocks deletion",
  },
  // And the data of those that a proxy selects or names is read: the cache has metadata only.
  Secret: OURS,
  ConfigMap: OURS,
  Service: OURS,
  ServiceAccount: OURS,
  EndpointSlice: LOOKED_AT,
  Pod: { ...LOOKED_AT, patch: "an annotation makes the node read the new config" },
  Deployment: OURS,
  PodDisruptionBudget: OURS,
  NetworkPolicy: OURS,
  Event: { create: "one for each state that changes" },
};

/** And in the operator's own namespace. */
const neededAtHome: Readonly<Record<string, Verbs>> = {
  Lease: { create: "the first election", get: "who leads", update: "leading, and giving it back" },
};

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

const isRole = ({ kind }: Rendered): boolean => kind === "Role" || kind === "ClusterRole";
const rulesOf = (role: Rendered | undefined): readonly Rule[] => (role?.["rules"] ?? []) as readonly Rule[];

/** `verb apiVersion-group resource`, as many as the rules give. */
function granted(rules: readonly Rule[]): string[] {
  const each = rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.map((verb) => `${verb} ${group}/${resource}`))),
  );
  return [...new Set(each)].sort();
}

function expected(table: Readonly<Record<string, Verbs>>): string[] {
  return Object.entries(table)
    .flatMap(([what, verbs]) => {
      const [kind = "", subresource] = what.split("/");
      const { apiVersion, plural } = KINDS[kind as KindName];
      const group = apiVersion.includes("/") ? apiVersion.split("/")[0] : "";
      const resource = subresource === undefined ? plural : `${plural}/${subresource}`;
      return Object.keys(verbs).map((verb) => `${verb} ${group}/${resource}`);
    })
    .sort();
}

describe.skipIf(helmBinary() === undefined)("the chart's permissions (skipped where Helm is not installed)", () => {
  const everywhere = helmBinary() === undefined ? [] : objects(template());
  const narrow = helmBinary() === undefined ? [] : objects(template(["--set", "watchNamespaces={demo,shop}"]));
  const roles = (all: readonly Rendered[]) =>
    all
      .filter(isRole)
      .map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? "-"} ${metadata.name}`)
      .sort();

  test("are what the operator needs, line by line", () => {
    const [role] = everywhere.filter(({ kind }) => kind === "ClusterRole");
    expect(granted(rulesOf(role))).toEqual(expected(needed));
    for (const one of narrow.filter(({ kind, metadata }) => kind === "Role" && metadata.namespace !== "wsproxy-system"))
      expect(granted(rulesOf(one))).toEqual(expected(needed));
    const [atHome] = everywhere.filter(({ kind }) => kind === "Role");
    expect(granted(rulesOf(atHome))).toEqual(expected(neededAtHome));
  });

  test("know every kind that the operator talks about, and no other", () => {
    const kinds = [...Object.keys(needed), ...Object.keys(neededAtHome)].map((what) => what.replace(/\/.*/, ""));
    expect([...new Set(kinds)].sort()).toEqual(Object.keys(KINDS).sort());
  });

  test("lie in the watched namespaces only, where there are any", () => {
    const home = "Role wsproxy-system wsproxy-operator-leader-election";
    expect(roles(everywhere)).toEqual(["ClusterRole - wsproxy-operator", home]);
    expect(roles(narrow)).toEqual(["Role demo wsproxy-operator", "Role shop wsproxy-operator", home]);
    expect(narrow.filter(({ kind }) => kind.startsWith("ClusterRole"))).toEqual([]);
  });

  test("hold no wildcard, and nothing by which somebody could get more", () => {
    for (const role of [...everywhere, ...narrow].filter(isRole)) {
      for (const { apiGroups, resources, verbs } of rulesOf(role)) {
        expect([...apiGroups, ...resources, ...verbs].join(" ")).not.toMatch(
          /[*]|escalate|bind|impersonate|proxy$|exec|token|nodes/,
        );
        expect(apiGroups).not.toContain("rbac.authorization.k8s.io");
        expect(apiGroups).not.toContain("apiextensions.k8s.io");
      }
    }
  });

  test("of the Lease are of the one Lease, but for making it", () => {
    const [atHome] = everywhere.filter(({ kind }) => kind === "Role");
    const [make, keep] = rulesOf(atHome);
    expect(make).toMatchObject({ verbs: ["create"] });
    expect(keep).toMatchObject({ resourceNames: ["wsproxy-operator"], verbs: ["get", "update"] });
  });

  test("go to the operator's account alone, by bindings beside their roles", () => {
    for (const all of [everywhere, narrow]) {
      const bindings = all.filter(({ kind }) => kind.endsWith("RoleBinding") || kind === "ClusterRoleBinding");
      expect(bindings.length).toBe(all.filter(isRole).length);
      for (const binding of bindings) {
        const { name, namespace } = binding.metadata;
        expect(binding["subjects"]).toEqual([
          { kind: "ServiceAccount", name: "wsproxy-operator", namespace: "wsproxy-system" },
        ]);
        const kind = binding.kind.replace("Binding", "");
        expect(binding["roleRef"]).toEqual({ apiGroup: "rbac.authorization.k8s.io", kind, name });
        expect(
          all.some((it) => it.kind === kind && it.metadata.name === name && it.metadata.namespace === namespace),
        ).toBe(true);
      }
    }
  });
});
