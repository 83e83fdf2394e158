import type { Infra } from "../translate/translation.ts";
import type { Labels } from "./manifest.ts";

/** What the operator was started with. */
export interface RenderSettings {
  /** Of the data plane. */
  readonly image: string;
  readonly imagePullPolicy: "Always" | "IfNotPresent" | "Never";
  /** Namespace in which the operator's own pods are. */
  readonly operatorNamespace: string;
  /** Labels of the namespaces whose pods may reach the admin port, each by itself. */
  readonly monitoringNamespaces: readonly Labels[];
}

/** The shape of pods that are the proxy's own. */
export type GatewayInfra = Infra & {
  readonly gateway: NonNullable<Infra["gateway"]>;
  readonly servicePort: number;
};
