import { randomUUID } from "node:crypto";
import { KubeConfig } from "@kubernetes/client-node";
import { inject, onTestFinished } from "vitest";
import type { Caller } from "../../operator/kube/call.ts";
import { KubeClient } from "../../operator/kube/client.ts";
import { pathOf, KINDS, type KindName, type KubeObject } from "../../operator/kube/kinds.ts";
import { systemClock } from "../../runtime/clock.ts";

/** A client of the shared control plane. It ends with the test. */
export function sharedClient(): KubeClient {
  const config = new KubeConfig();
  config.loadFromFile(inject("kubeconfig"));
  return clientOf(config);
}

export function clientOf(config: KubeConfig): KubeClient {
  const client = new KubeClient(config, systemClock);
  onTestFinished(() => client.close());
  return client;
}

/** A namespace that no other test uses. */
export async function newNamespace(client: Caller): Promise<string> {
  const name = `t-${randomUUID()}`;
  const body = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
  await client.request({ method: "POST", path: "/api/v1/namespaces", body });
  return name;
}

export function read<T extends KubeObject>(
  client: Caller,
  kind: KindName,
  namespace: string,
  name: string,
): Promise<T> {
  return client.request<T>({ path: pathOf(KINDS[kind], namespace, name) });
}

/** The cells of one WebSocketProxy as the API server gives them to kubectl, by column. */
export async function tableRow(
  client: Caller,
  namespace: string,
  name: string,
): Promise<Readonly<Record<string, unknown>>> {
  const table = await client.request<{
    readonly columnDefinitions: readonly { readonly name: string }[];
    readonly rows: readonly { readonly cells: readonly unknown[] }[];
  }>({
    path: pathOf(KINDS.WebSocketProxy, namespace, name),
    accept: "application/json;as=Table;v=v1;g=meta.k8s.io",
  });
  return Object.fromEntries(table.columnDefinitions.map((column, at) => [column.name, table.rows[0]?.cells[at]]));
}

/** Makes an object, as another client would. */
export function create(
  client: Caller,
  kind: KindName,
  namespace: string,
  name: string,
  rest: object,
): Promise<KubeObject> {
  const { apiVersion } = KINDS[kind];
  const body = {
    apiVersion,
    kind,
    ...rest,
    metadata: { name, namespace, ...(rest as { metadata?: object }).metadata },
  };
  return client.request({ method: "POST", path: pathOf(KINDS[kind], namespace), body });
}

export function destroy(client: Caller, kind: KindName, namespace: string, name: string): Promise<unknown> {
  return client.request({ method: "DELETE", path: pathOf(KINDS[kind], namespace, name) });
}
