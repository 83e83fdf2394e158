import type { Clock } from "../../runtime/clock.ts";
import { FIRST_REPLICAS } from "../../api/pods.ts";
import { isStatus } from "../kube/api-error.ts";
import { apply } from "../kube/apply.ts";
import type { Caller } from "../kube/call.ts";
import { REPLICAS_MANAGER } from "../kube/field-manager.ts";
import { KINDS, type KubeObject } from "../kube/kinds.ts";
import type { Manifest } from "../render/manifest.ts";
import { findObject } from "./find-object.ts";
import { ReplicaFights } from "./replica-fights.ts";
import { replicaOwners } from "./replica-owners.ts";

/** Names the writer where the answer to our own write has another number. */
const WEBHOOK = "an admission webhook";

/** A Deployment, as far as the number of its pods goes. */
interface Scaled {
  readonly spec?: { readonly replicas?: number };
}

/** What is to come of the number of pods of a Deployment. */
export interface Settling {
  /** `<namespace>/<name>` of the proxy. */
  readonly proxy: string;
  /** The Deployment. */
  readonly live: KubeObject;
  /** The number of pods that the spec fixes; undefined: it fixes none. */
  readonly wanted: number | undefined;
  /** The number that the Deployment is known to have; undefined: it is not known. */
  readonly known: number | undefined;
  /** An apply of the rest of the Deployment follows. */
  readonly applies: boolean;
}

/** A manifest without the number of pods, which has a field manager of its own; and that number. */
export function apartFromReplicas(manifest: Manifest): {
  readonly rest: Manifest;
  readonly wanted: number | undefined;
} {
  if (manifest.kind !== "Deployment") return { rest: manifest, wanted: undefined };
  const { replicas: wanted, ...spec } = (manifest as Scaled).spec ?? {};
  return { rest: { ...manifest, spec } as Manifest, wanted };
}

/** The manifest of a new Deployment: only here the main apply names a number of pods. */
export function withFirstReplicas(rest: Manifest, wanted: number = FIRST_REPLICAS): Manifest {
  return { ...rest, spec: { ...(rest as { readonly spec?: object }).spec, replicas: wanted } } as Manifest;
}

/** Is the number of pods as it is wanted? */
export function hasReplicas(deployment: KubeObject | undefined, wanted: number | undefined): boolean {
  return wanted === undefined || replicasOf(deployment) === wanted;
}

/** The number of pods that a Deployment asks for. */
export function replicasOf(deployment: KubeObject | undefined): number | undefined {
  return (deployment as Scaled | undefined)?.spec?.replicas;
}

/**
 * Keeps the number of pods of Deployments: the one that the spec fixes, or, where it fixes none, the one that is there,
 * whichever writer set it.
 */
export class Replicas {
  readonly #client: Caller;
  readonly #fights: ReplicaFights;

  constructor(client: Caller, clock: Clock) {
    this.#client = client;
    this.#fights = new ReplicaFights(clock);
  }

  /**
   * Writes the number of pods where that is needed, before an apply of the rest; resolves with the Deployment if it was
   * written. Our own field manager takes over a number that only the main apply owns: else that apply, which leaves the
   * number out, would reset it to 1.
   */
  async settle(settling: Settling, signal: AbortSignal): Promise<KubeObject | undefined> {
    const { proxy, live, wanted, known, applies } = settling;
    if (wanted === undefined) this.#fights.forget(proxy);
    if (!applies && (wanted === undefined || known === wanted)) return undefined;
    const now = await this.#read(live, signal);
    const replicas = replicasOf(now);
    if (now === undefined || replicas === undefined) return undefined;
    const { mainAlone, other } = replicaOwners(now);
    if (wanted === undefined || replicas === wanted || this.#fights.wait(proxy, wanted) > 0) {
      return mainAlone ? this.#takeOver(now, replicas, signal) : undefined;
    }
    const written = await this.#write(now, wanted, true, signal);
    const changedBy = replicasOf(written) === wanted ? other : WEBHOOK;
    if (changedBy !== undefined) this.#fights.wroteBack(proxy, wanted, changedBy);
    return written;
  }

  /** What the status says about other writers of the number. */
  remarks(proxy: string): readonly string[] {
    return this.#fights.remarks(proxy);
  }

  /** After how many ms a pass has to look at the number again; undefined: only after an event. */
  again(proxy: string): number | undefined {
    return this.#fights.again(proxy);
  }

  /** A proxy is gone. */
  forget(proxy: string): void {
    this.#fights.forget(proxy);
  }

  async #takeOver(now: KubeObject, replicas: number, signal: AbortSignal): Promise<KubeObject | undefined> {
    try {
      return await this.#write(now, replicas, false, signal);
    } catch (error) {
      if (!isStatus(error, 409)) throw error;
      // An autoscaler was faster: its number stays, and the main apply owns it no more.
      const later = await this.#read(now, signal);
      if (later !== undefined && replicaOwners(later).mainAlone) throw error;
      return undefined;
    }
  }

  #write(now: KubeObject, replicas: number, force: boolean, signal: AbortSignal): Promise<KubeObject> {
    const { apiVersion, kind } = KINDS.Deployment;
    const { name, namespace, uid } = now.metadata;
    const metadata = { name, ...(namespace === undefined ? {} : { namespace }), ...(uid === undefined ? {} : { uid }) };
    const object = { apiVersion, kind, metadata, spec: { replicas } };
    return apply(this.#client, object, signal, { fieldManager: REPLICAS_MANAGER, force });
  }

  /** The Deployment with its managedFields; undefined: it is gone, or another one has its name. */
  async #read({ metadata }: KubeObject, signal: AbortSignal): Promise<KubeObject | undefined> {
    const now = await findObject(this.#client, { kind: KINDS.Deployment.kind, metadata }, "whole", signal);
    return now?.metadata.uid === metadata.uid ? now : undefined;
  }
}
