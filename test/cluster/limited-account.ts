import { readFile, writeFile } from "node:fs/promises";
import { parse, stringify } from "yaml";
import type { Cluster } from "./cluster.ts";

const RBAC = "rbac.authorization.k8s.io";

/** A kubeconfig of an account that has these rules in the namespace, and no others; its context has the namespace. */
export async function limitedAccount(
  cluster: Cluster,
  namespace: string,
  name: string,
  rules: readonly object[],
): Promise<string> {
  const metadata = { name };
  await cluster.apply(
    namespace,
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    { apiVersion: `${RBAC}/v1`, kind: "Role", metadata, rules },
    {
      apiVersion: `${RBAC}/v1`,
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup: RBAC, kind: "Role", name },
      subjects: [{ kind: "ServiceAccount", name, namespace }],
    },
  );
  const token = (await cluster.kubectl("-n", namespace, "create", "token", name)).trim();
  const config = parse(await readFile(cluster.provider.kubeconfig, "utf8")) as {
    readonly contexts: readonly { readonly context: object }[];
    readonly users: readonly { readonly name: string }[];
  };
  const users = config.users.map((user) => ({ name: user.name, user: { token } }));
  const contexts = config.contexts.map((one) => ({ ...one, context: { ...one.context, namespace } }));
  const file = `${cluster.provider.kubeconfig}-${namespace}-${name}`;
  await writeFile(file, stringify({ ...config, users, contexts }), { mode: 0o600 });
  return file;
}
