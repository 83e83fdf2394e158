import { Agent, request } from "node:https";
import { json } from "node:stream/consumers";
import { KubeConfig } from "@kubernetes/client-node";
import { inject } from "vitest";
import { KubeClient } from "../../operator/kube/client.ts";
import { KINDS, pathOf } from "../../operator/kube/kinds.ts";
import { systemClock } from "../../runtime/clock.ts";
import { newNamespace } from "./bench.ts";
import { installCrd } from "./crd.ts";

/** What an API server answers to the creation of a resource. */
export interface DryRunAnswer {
  /** 201: the API server would accept the resource. */
  readonly status: number;
  /** The resource as it would be stored, or a Status. */
  readonly answer: Answer;
  /** The fields that are refused, and why. */
  readonly causes: readonly { readonly field: string; readonly message: string }[];
  /** The whole message of the Status. */
  readonly text: string;
}

export interface Answer {
  readonly spec?: Record<string, unknown>;
  readonly metadata?: object;
  readonly message?: string;
  readonly details?: { readonly causes?: DryRunAnswer["causes"] };
}

/** Creates and replaces WebSocketProxies in the shared control plane with `dryRun=All`: the API server checks them and stores nothing. */
export class DryRun {
  /** Namespace of the WebSocketProxies. */
  readonly namespace: string;
  readonly #agent: Agent;
  readonly #server: string;

  private constructor(config: KubeConfig, namespace: string) {
    this.namespace = namespace;
    const pem = (data: string | undefined): Buffer => Buffer.from(data ?? "", "base64");
    const [cluster, user] = [config.getCurrentCluster(), config.getCurrentUser()];
    this.#server = cluster?.server ?? "";
    this.#agent = new Agent({
      keepAlive: true,
      ca: pem(cluster?.caData),
      cert: pem(user?.certData),
      key: pem(user?.keyData),
    });
  }

  /** Installs the CRD and creates a namespace. */
  static async open(): Promise<DryRun> {
    const config = new KubeConfig();
    config.loadFromFile(inject("kubeconfig"));
    const client = new KubeClient(config, systemClock);
    try {
      await installCrd(client);
      return new DryRun(config, await newNamespace(client));
    } finally {
      client.close();
    }
  }

  /** `fieldValidation`: Strict refuses unknown fields, Ignore drops them. */
  create(manifest: object, fieldValidation: "Strict" | "Ignore" = "Strict"): Promise<DryRunAnswer> {
    return this.#send("POST", pathOf(KINDS.WebSocketProxy, this.namespace), manifest, fieldValidation);
  }

  /** Replaces a WebSocketProxy that exists. */
  replace(name: string, manifest: object): Promise<DryRunAnswer> {
    return this.#send("PUT", pathOf(KINDS.WebSocketProxy, this.namespace, name), manifest, "Strict");
  }

  #send(method: string, path: string, manifest: object, fieldValidation: string): Promise<DryRunAnswer> {
    const url = `${this.#server}${path}?dryRun=All&fieldValidation=${fieldValidation}`;
    const options = { method, agent: this.#agent, headers: { "content-type": "application/json" } };
    return new Promise((resolve, reject) => {
      const call = request(url, options, (response) => {
        json(response).then((body) => {
          const answer = body as Answer;
          const causes = answer.details?.causes ?? [];
          resolve({ status: response.statusCode ?? 0, answer, causes, text: answer.message ?? "" });
        }, reject);
      });
      call.on("error", reject);
      call.end(JSON.stringify(manifest));
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
