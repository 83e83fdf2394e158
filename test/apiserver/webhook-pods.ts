import type { V1Container, V1Volume } from "@kubernetes/client-node";
import type { KubeClient } from "../../operator/kube/client.ts";
import type { KubeObject } from "../../operator/kube/kinds.ts";
import { read } from "./bench.ts";

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

/** JSON of a pod's fields, without the name that the API server makes up for the token. */
export function withoutToken(spec: Pod["spec"]): string {
  return JSON.stringify(spec).replaceAll(/kube-api-access-\w+/g, "token");
}

/** Two pods of `podOf`. */
export function deploymentOf(): object {
  return { spec: { replicas: 2, selector: { matchLabels: { app: "chat" } }, template: podOf({}) } };
}

/** Why the Deployment `early` has no pods, in its own words; undefined: it does not say. */
export async function replicaFailure(client: KubeClient, namespace: string): Promise<string | undefined> {
  const { status } = await read<KubeObject & Conditions>(client, "Deployment", namespace, "early");
  return status?.conditions?.find(({ type }) => type === "ReplicaFailure")?.message;
}

interface Conditions {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly message: string }[] };
}
