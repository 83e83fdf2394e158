import { readFileSync } from "node:fs";
import { join } from "node:path";
import { crdFile } from "./crd.ts";
import { chartValuesPage } from "./chart-values.ts";
import { dashboardFile } from "./dashboard/dashboard.ts";

const values = readFileSync(join(import.meta.dirname, "../charts/wsproxy/values.yaml"), "utf8");

/** The CRD as the chart has it: it stays when the chart goes, since every WebSocketProxy would go with it. */
const crd = crdFile.replace(/^metadata:\n/m, "$&  annotations:\n    helm.sh/resource-policy: keep\n");

/** Files of the chart, and about it, that are made of others; by their path in the repository. */
export const chartFiles: Readonly<Record<string, string>> = {
  "charts/wsproxy/files/crds/wsproxy.dev_websocketproxies.yaml": crd,
  "charts/wsproxy/files/dashboard.json": dashboardFile,
  "docs/reference/chart-values.md": chartValuesPage(values),
};
