import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { parseAllDocuments } from "yaml";

const ROOT = join(import.meta.dirname, "../..");
export const CHART = join(ROOT, "charts/wsproxy");
/** The Kubernetes that the chart is rendered for: the one of test/apiserver. */
const KUBE_VERSION = "1.37.2";

/** An object that `helm template` renders: the parts that tests read. */
export interface Rendered {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Record<string, string> };
  readonly [field: string]: unknown;
}

/** The Helm of test/apiserver/tools, else that of the machine; undefined: there is none. */
export function helmBinary(): string | undefined {
  const built = execFileSync(join(ROOT, "test/apiserver/tools/build.sh"), ["--where"], { encoding: "utf8" }).trim();
  const folders = [built, ...(process.env["PATH"] ?? "").split(delimiter)];
  return folders.map((folder) => join(folder, "helm")).find((file) => existsSync(file));
}

export interface Release {
  readonly name?: string;
  readonly namespace?: string;
}

/** Runs Helm to its end; returns its status and its output. */
export function helm(...args: readonly string[]): {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
} {
  const { status, stdout, stderr } = spawnSync(helmBinary() ?? "helm", args, {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  return { status, out: stdout, err: stderr };
}

/** Renders the chart with these arguments of `helm template`. Throws with Helm's message if it fails. */
export function template(
  values: readonly string[] = [],
  { name = "wsproxy", namespace = "wsproxy-system" }: Release = {},
): string {
  const { status, out, err } = helm(
    "template",
    name,
    CHART,
    "--namespace",
    namespace,
    "--kube-version",
    KUBE_VERSION,
    ...values,
  );
  if (status !== 0) throw new Error(err);
  return out;
}

export function objects(rendered: string): Rendered[] {
  const documents = parseAllDocuments(rendered, { uniqueKeys: true });
  return documents
    .map((document) => {
      if (document.errors.length > 0) throw new Error(document.errors.join("\n"));
      return document.toJS() as Rendered;
    })
    .filter((object) => object !== null);
}
