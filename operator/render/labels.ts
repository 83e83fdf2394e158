import { PROXY_LABEL } from "../../api/meta.ts";
import type { Labels } from "./manifest.ts";

const NAME = { "app.kubernetes.io/name": "wsproxy" } as const;
const DATAPLANE = { "app.kubernetes.io/component": "dataplane" } as const;

/** Labels of every object that the operator makes: by them it finds its own objects. */
export const MANAGED: Labels = { ...NAME, "app.kubernetes.io/managed-by": "wsproxy-operator" };

/** Labels of the operator's own pods. */
export const OPERATOR: Labels = { ...NAME, "app.kubernetes.io/component": "operator" };

/** The labels that select a proxy's pods. Add none: the selector of a Deployment cannot be changed. */
export function selectorOf(base: string): Labels {
  return { ...DATAPLANE, [PROXY_LABEL]: base };
}

/** The same labels as the text of a selector. */
export function selectorText(base: string): string {
  return Object.entries(selectorOf(base))
    .map(([label, value]) => `${label}=${value}`)
    .join(",");
}

/** Labels of every object that the operator makes for one proxy. */
export function labelsOf(base: string): Labels {
  return { ...MANAGED, ...selectorOf(base) };
}
