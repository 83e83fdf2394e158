import { chartFiles } from "./chart.ts";
import { crdFile } from "./crd.ts";
import { referencePage } from "./reference.ts";

/** Every generated file: path in the repository → text. */
export const generated: Readonly<Record<string, string>> = {
  "crds/wsproxy.dev_websocketproxies.yaml": crdFile,
  "docs/reference/websocketproxy.md": referencePage,
  ...chartFiles,
};
