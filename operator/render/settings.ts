import type { Infra } from "../translate/translation.ts";
import type { Labels } from "./manifest.ts";

/** The operator's own options that end up in rendered objects. */
export interface RenderSettings {
  /** Image of the data plane. */
  readonly image: string;
  readonly imagePullPolicy: "Always" | "IfNotPresent" | "Never";
  /** Namespace of the operator's own pods. */
  readonly operatorNamespace: string;
  /** Label sets: pods of a namespace that has all labels of one set may reach the admin port. */
  readonly monitoringNamespaces: readonly Labels[];
}

/** The Infra of a proxy with mode Gateway. */
export type GatewayInfra = Infra & {
  readonly gateway: NonNullable<Infra["gateway"]>;
  readonly servicePort: number;
};
