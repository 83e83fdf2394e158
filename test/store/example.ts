import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";

interface Workload {
  readonly kind: string;
  readonly spec: {
    readonly template: { readonly spec: { readonly containers: readonly [{ readonly args: readonly [string] }] } };
  };
}

const FILE = join(import.meta.dirname, "../../examples/valkey/valkey.yaml");

/** The shell's lines with which examples/valkey starts the server. */
export function exampleStart(): string {
  const documents = parseAllDocuments(readFileSync(FILE, "utf8")).map((one) => one.toJS() as Workload);
  const workload = documents.find(({ kind }) => kind === "Deployment");
  if (workload === undefined) throw new Error("the example has no Deployment");
  return workload.spec.template.spec.containers[0].args[0];
}

/** The rights of the example's user: the least with which the gateway works. For `StoreDemands.users`, behind a password. */
export function leastRights(keys = "{demo/*}:*"): string {
  const rights = /^user \$STORE_USER on \S+ ~\{demo\/\*\}:\* (.+)$/m.exec(exampleStart())?.[1];
  if (rights === undefined) throw new Error("the example has no user");
  return `~${keys} ${rights}`;
}
