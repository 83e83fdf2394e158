import type { Problem } from "../../api/problem.ts";
import { finished, type Steps } from "../translate/steps.ts";
import type { Infra, Translation } from "../translate/translation.ts";
import { adminSecret } from "./admin-secret.ts";
import { configSecrets } from "./config-secrets.ts";
import { deployment } from "./deployment.ts";
import { disruptionBudget } from "./disruption-budget.ts";
import { endpointsConfigMap } from "./endpoints-config-map.ts";
import type { Manifest } from "./manifest.ts";
import { networkPolicy } from "./network-policy.ts";
import { packedConfig } from "./packed.ts";
import type { Packer } from "./packer.ts";
import { scopeOf, type Scope } from "./scope.ts";
import { service } from "./service.ts";
import { serviceRecord } from "./service-record.ts";
import { sidecarRecord } from "./sidecar-record.ts";
import { serviceAccount } from "./service-account.ts";
import { sortedKeys } from "./sorted-keys.ts";
import type { Owner } from "./owner.ts";
import type { GatewayInfra, RenderSettings } from "./settings.ts";

/** The objects of one proxy. */
export interface Rendered {
  /** In the order in which they are applied: the config first. */
  readonly manifests: readonly Manifest[];
  /** `manifests` lists every object of these kinds; others may be deleted. */
  readonly prunable: readonly string[];
  /** The hashes that the pods are to serve, as their /config shows them; undefined: those that they serve now. */
  readonly serving: { readonly hash: string; readonly endpointsHash: string } | undefined;
  /** Why nothing was rendered although there is a config. */
  readonly problem: Problem<"TooLarge"> | undefined;
}

/** The part of a translation that becomes objects. */
export interface Renderable extends Pick<Translation, "config" | "endpoints" | "infra" | "service" | "sidecar"> {
  /** The token of the pods' admin port; undefined: it cannot be read now, and its Secret stays as it is. */
  readonly adminToken: string | undefined;
}

/** A translation → the objects that make it real. Pure: the same translation gives the same bytes. */
export function render(...parts: Parameters<typeof renderInSteps>): Rendered {
  return finished(renderInSteps(...parts));
}

/** The same in steps, for a process that has other things to do. */
export function* renderInSteps(
  owner: Owner,
  { config, endpoints, infra, service: leads, sidecar, adminToken }: Renderable,
  settings: RenderSettings,
  packer: Packer,
): Steps<Rendered> {
  const nothing: Rendered = { manifests: [], prunable: [], serving: undefined, problem: undefined };
  if (config === undefined) return nothing;
  const packed = yield* packedConfig(config, endpoints, packer);
  if (packed.excess !== undefined) {
    return { ...nothing, problem: { reason: "TooLarge", message: packed.excess, at: "spec" } };
  }
  const scope = scopeOf(owner, packer.hash);
  const data = [
    ...configSecrets(packed.config, { ...serviceRecord(leads), ...sidecarRecord(sidecar) }, scope, packer),
    ...(adminToken === undefined ? [] : [adminSecret(adminToken, scope, packer)]),
    endpointsConfigMap(packed.endpoints, scope),
  ];
  const tls = config.listener.tls !== undefined;
  const pods = isGateway(infra) ? podObjects(infra, tls, scope, settings) : [];
  return {
    manifests: [...data, ...pods].map(sortedKeys),
    // The pods serve until a pass renders others in their place.
    prunable: [...(adminToken === undefined ? [] : ["Secret"]), "ConfigMap", ...(pods.length === 0 ? [] : POD_KINDS)],
    serving: { hash: packed.config.hash, endpointsHash: packed.endpoints.hash },
    problem: undefined,
  };
}

const POD_KINDS = ["ServiceAccount", "NetworkPolicy", "PodDisruptionBudget", "Deployment", "Service"];

/** In this order: a pod starts only with its ServiceAccount, and no pod is to run before its NetworkPolicy exists. */
function podObjects(infra: GatewayInfra, tls: boolean, scope: Scope, settings: RenderSettings): readonly Manifest[] {
  return [
    serviceAccount(scope),
    networkPolicy(scope, settings),
    disruptionBudget(scope),
    deployment(infra, scope, settings),
    service(infra, tls, scope),
  ];
}

/** In mode Sidecar the user makes the pods. */
function isGateway(infra: Infra | undefined): infra is GatewayInfra {
  return infra?.mode === "Gateway" && infra.gateway !== undefined && infra.servicePort !== undefined;
}
