import { readFileSync } from "node:fs";
import { join } from "node:path";
import { crdFile } from "./crd.ts";
import { chartValuesPage } from "./chart-values.ts";
import { dashboardFile } from "./dashboard/dashboard.ts";

const values = readFileSync(join(import.meta.dirname, "../charts/wsproxy/values.yaml"), "utf8");

/**
 * The CRD of the chart. It stays when the chart is uninstalled: without it Kubernetes would delete every
 * WebSocketProxy.
 */
const crd = crdFile.replace(/^metadata:\n/m, "$&  annotations:\n    helm.sh/resource-policy: keep\n");

/** Generated files of the chart and about it: path in the repository → text. */
export const chartFiles: Readonly<Record<string, string>> = {
  "charts/wsproxy/files/crds/wsproxy.dev_websocketproxies.yaml": crd,
  "charts/wsproxy/files/dashboard.json": dashboardFile,
  "docs/reference/chart-values.md": chartValuesPage(values),
};
