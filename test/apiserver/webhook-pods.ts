import type { V1Container, V1Volume } from "@kubernetes/client-node";
import type { KubeObject } from "../../operator/kube/kinds.ts";

/** A pod, as far as tests of the webhook read it. */
export interface Pod extends KubeObject {
  readonly spec: {
    readonly containers: readonly V1Container[];
    readonly initContainers?: readonly V1Container[];
    readonly volumes?: readonly V1Volume[];
    readonly terminationGracePeriodSeconds?: number;
  };
}

/** Labels of a pod that asks for the gateway of the proxy `chat`. */
export const LABELS = { app: "chat", "wsproxy.dev/inject": "chat" };

/** What every container needs for Pod Security *restricted*. */
export const SECURITY = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
  runAsNonRoot: true,
  runAsUser: 1000,
  seccompProfile: { type: "RuntimeDefault" },
};

export const APP = { name: "app", image: "registry.example/app:1", securityContext: SECURITY };

/** A pod that asks for the gateway, with these fields in place of its own. */
export function podOf(metadata: object, spec: object = {}): object {
  return { metadata: { labels: LABELS, ...metadata }, spec: { containers: [APP], ...spec } };
}

export const DRAINED = { httpGet: { path: "/drained", port: 9090, scheme: "HTTP" } };

/** What of a pod can be there twice, or be missing: names in order, and containers without the hook. */
export function madeOf({ spec: { containers, initContainers = [], volumes = [] } }: Pod) {
  const held = (one: V1Container): boolean => JSON.stringify(one.lifecycle?.preStop) === JSON.stringify(DRAINED);
  return {
    initContainers: initContainers.map(({ name }) => name),
    containers: containers.map(({ name }) => name),
    // The API server makes up the end of the token's name.
    volumes: volumes.map(({ name }) => name.replace(/^kube-api-access-\w+$/, "token")),
    notHeld: containers.filter((one) => !held(one)).map(({ name }) => name),
  };
}

/** `madeOf` the pod that `podOf` makes, with these containers more. */
export function injected(...more: readonly string[]) {
  return {
    initContainers: ["wsproxy"],
    containers: ["app", ...more],
    volumes: ["token", "wsproxy-config", "wsproxy-none"],
    notHeld: [],
  };
}
