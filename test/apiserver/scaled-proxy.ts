import type { Call, Watcher } from "../../operator/kube/call.ts";
import { FIELD_MANAGER } from "../../operator/kube/field-manager.ts";
import { KINDS, pathOf, type KubeObject } from "../../operator/kube/kinds.ts";
import { keys, proxy, service, slice } from "../fakes/operator-bench.ts";
import { newNamespace, read, sharedClient } from "./bench.ts";
import { installCrd } from "./crd.ts";
import { eventually, startOperator, type Proxy } from "./operator-bench.ts";

type Deployment = KubeObject & { readonly spec: { readonly replicas: number; readonly template: object } };
interface Field {
  readonly manager: string;
  readonly operation: string;
  readonly subresource?: string;
  readonly fieldsV1: { readonly "f:spec"?: object };
}

/** One proxy `chat` on a real API server, its operators, and the writers that scale it: an autoscaler, people, old operators. */
export class ScaledProxy {
  readonly client: Watcher;
  readonly namespace: string;
  /** Applies of the Deployment, by any operator of the test. */
  readonly applies: Call[] = [];
  /** Runs before each apply of the Deployment. */
  before: (call: Call) => Promise<void> = async () => {};

  private constructor(client: Watcher, namespace: string) {
    this.client = client;
    this.namespace = namespace;
  }

  /** With the objects that the proxy names; on the shared control plane, unless told otherwise. */
  static async make(client: Watcher = sharedClient()): Promise<ScaledProxy> {
    await installCrd(client);
    const it = new ScaledProxy(client, await newNamespace(client));
    const objects = [service(), slice(["10.0.0.1"]), keys({ alice: "alices-own-key-0001" })];
    for (const object of objects) await it.#apply(object);
    return it;
  }

  /** Starts an operator; resolves with what stops it. */
  operator(): { readonly stop: () => Promise<void>; readonly writes: readonly string[] } {
    const { client, applies } = this;
    const recording: Watcher = {
      request: async <T>(call: Call): Promise<T> => {
        if (call.method === "PATCH" && call.path.endsWith("/deployments/wsproxy-chat")) {
          await this.before(call);
          applies.push(call);
        }
        return client.request<T>(call);
      },
      stream: (call, signal) => client.stream(call, signal),
    };
    const { stop, writes } = startOperator(recording, [this.namespace], 1);
    return { stop, writes };
  }

  /** Applies the proxy with this `gateway`, as a person who keeps the whole manifest in a file. */
  async spec(gateway: object | undefined): Promise<void> {
    await this.#apply(proxy("chat", gateway && { gateway }));
  }

  /** The autoscaler writes a number into the Deployment. */
  async autoscaler(replicas: number, manager = "kube-controller-manager"): Promise<void> {
    const { namespace } = this;
    await this.client.request({
      method: "PUT",
      path: `${pathOf(KINDS.Deployment, namespace, "wsproxy-chat")}/scale`,
      query: { fieldManager: manager },
      body: {
        apiVersion: "autoscaling/v1",
        kind: "Scale",
        metadata: { name: "wsproxy-chat", namespace },
        spec: { replicas },
      },
    });
  }

  /** The apply of a released operator, which knows no other field manager: the whole Deployment with a number. */
  async oldOperator(replicas: number): Promise<void> {
    const [first] = this.applies;
    const body = first?.body as Deployment & { readonly spec: object };
    const { metadata } = body;
    await this.client.request({
      method: "PATCH",
      path: pathOf(KINDS.Deployment, this.namespace, "wsproxy-chat"),
      query: { fieldManager: FIELD_MANAGER, force: true },
      contentType: "application/apply-patch+yaml",
      body: {
        ...body,
        metadata: { ...metadata, annotations: { "wsproxy.dev/applied": `old-${replicas}` } },
        spec: { ...body.spec, replicas },
      },
    });
  }

  deployment(): Promise<Deployment> {
    return read<Deployment>(this.client, "Deployment", this.namespace, "wsproxy-chat");
  }

  proxy(): Promise<Proxy> {
    return read<Proxy>(this.client, "WebSocketProxy", this.namespace, "chat");
  }

  /** Waits until the Deployment has this number, and an operator has looked at the newest spec. */
  async has(replicas: number): Promise<void> {
    await eventually(`the Deployment has ${replicas}`, async () => {
      try {
        const { metadata, status } = await this.proxy();
        return (
          (await this.deployment()).spec.replicas === replicas && status?.observedGeneration === metadata.generation
        );
      } catch {
        return false;
      }
    });
  }

  /** `number: owner, owner`. */
  async owned(): Promise<string> {
    const { metadata, spec } = await this.deployment();
    const fields = (metadata as { managedFields?: readonly Field[] }).managedFields ?? [];
    const owners = fields
      .filter(({ fieldsV1 }) => Object.hasOwn(fieldsV1["f:spec"] ?? {}, "f:replicas"))
      .map(({ manager, subresource = "" }) => manager + (subresource === "" ? "" : `/${subresource}`));
    return `${spec.replicas}: ${owners.toSorted().join(", ")}`;
  }

  /** The message of a condition. */
  async message(type: string): Promise<string> {
    return (await this.proxy()).status?.conditions?.find((one) => one.type === type)?.message ?? "";
  }

  async #apply(object: KubeObject): Promise<void> {
    const { namespace, client } = this;
    await client.request({
      method: "PATCH",
      path: pathOf(KINDS[object.kind as keyof typeof KINDS], namespace, object.metadata.name),
      query: { fieldManager: "tester", force: true },
      contentType: "application/apply-patch+yaml",
      body: { ...object, metadata: { ...object.metadata, namespace } },
    });
  }
}
