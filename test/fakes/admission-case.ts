import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { spec } from "../../api/websocket-proxy.ts";
import type { SidecarShape } from "../../operator/translate/translation.ts";
import { cached, Webhook } from "./admitted.ts";
import type { PodTemplate } from "./pod-security.ts";

/** Files that a folder of `test/golden-admission` may hold besides its outputs. */
export const INPUTS = [
  "pod.yaml", // the object of the review
  "proxy.yaml", // the WebSocketProxy whose config is in force; without it there is none
  "around.yaml", // `request`: fields of the review's request; `secret`: "none", or "of an earlier proxy"
];

/** One pod that is created, and the webhook that is asked about it. */
export interface AdmissionCase {
  readonly pod: PodTemplate;
  readonly request: object;
  readonly webhook: Webhook;
}

interface Proxy {
  readonly metadata: { readonly name: string };
  readonly spec: unknown;
}

interface Around {
  readonly request?: object;
  readonly secret?: "none" | "of an earlier proxy";
}

/** Reads a case. */
export function admissionCase(folder: string): AdmissionCase {
  const around = (document(folder, "around.yaml") ?? {}) as Around;
  return {
    pod: document(folder, "pod.yaml") as PodTemplate,
    request: around.request ?? {},
    webhook: webhookOf(document(folder, "proxy.yaml") as Proxy | undefined, around),
  };
}

function webhookOf(proxy: Proxy | undefined, { secret }: Around): Webhook {
  if (proxy === undefined) return new Webhook(new Map());
  const { mode, sidecar, listener, dataplane } = spec.parse(proxy.spec);
  const shape: SidecarShape | undefined =
    mode === "Sidecar" && sidecar !== undefined
      ? {
          selector: sidecar.selector,
          listenerPort: listener.port ?? 8080,
          resources: dataplane.resources,
          drainPeriod: dataplane.drain.period,
        }
      : undefined;
  const objects = cached(proxy.metadata.name, shape, secret === "of an earlier proxy" ? "uid-0" : "uid-1");
  return new Webhook(secret === "none" ? new Map([...objects].filter(([key]) => !key.startsWith("Secret"))) : objects);
}

function document(folder: string, file: string): unknown {
  const path = join(folder, file);
  return existsSync(path) ? parse(readFileSync(path, "utf8")) : undefined;
}
