import { admit } from "../../operator/admission/admit.ts";
import type { AdmissionResponse } from "../../operator/admission/response.ts";
import { standingOf, type Standing } from "../../operator/admission/standing.ts";
import type { KubeObject } from "../../operator/kube/kinds.ts";
import { packer } from "../../operator/platform/packer.ts";
import { scopeOf } from "../../operator/render/scope.ts";
import { sidecarRecord } from "../../operator/render/sidecar-record.ts";
import type { SidecarShape } from "../../operator/translate/translation.ts";
import { briefOf } from "../../operator/watch/brief-object.ts";
import { SETTINGS } from "./golden-case.ts";
import { patched, patchOf } from "./json-patch.ts";

/** The namespace of the pods and proxies. */
export const NAMESPACE = "demo";

/** What a proxy of mode Sidecar for pods with the label `app: chat` has recorded. */
export const SHAPE: SidecarShape = {
  selector: { matchLabels: { app: "chat" } },
  listenerPort: 8080,
  resources: {},
  drainPeriod: "30s",
};

/** The request of a review; an AdmissionReview has more fields, which nothing reads. */
export const reviewOf = (object: unknown, request: object = {}): object => ({
  apiVersion: "admission.k8s.io/v1",
  kind: "AdmissionReview",
  request: {
    uid: "705ab4f5-6393-11e8-b7cc-42010a800002",
    kind: { group: "", version: "v1", kind: "Pod" },
    resource: { group: "", version: "v1", resource: "pods" },
    name: "",
    namespace: NAMESPACE,
    operation: "CREATE",
    userInfo: { username: "system:serviceaccount:kube-system:replicaset-controller" },
    object,
    oldObject: null,
    dryRun: false,
    options: { kind: "CreateOptions", apiVersion: "meta.k8s.io/v1" },
    ...request,
  },
});

/** A proxy as the cache has it, and the first config Secret with what the operator records there. */
export function cached(
  proxy: string,
  shape: SidecarShape | undefined,
  ownerUid = "uid-1",
): ReadonlyMap<string, KubeObject> {
  const { names, metadata } = scopeOf({ namespace: NAMESPACE, name: proxy, uid: ownerUid }, packer.hash);
  const secret = { apiVersion: "v1", kind: "Secret", metadata: metadata(names.configPart(0), sidecarRecord(shape)) };
  const metadataOfProxy = { name: proxy, namespace: NAMESPACE, uid: "uid-1" };
  const own = { apiVersion: "wsproxy.dev/v1alpha1", kind: "WebSocketProxy", metadata: metadataOfProxy };
  return new Map([own, secret].map((one) => [`${one.kind} ${NAMESPACE}/${one.metadata.name}`, briefOf(one)]));
}

/** How the webhook of an operator with these objects in its cache answers. */
export class Webhook {
  readonly #objects: ReadonlyMap<string, KubeObject>;

  constructor(objects: ReadonlyMap<string, KubeObject> = cached("chat", SHAPE)) {
    this.#objects = objects;
  }

  standing(namespace: string, proxy: string): Standing {
    const get = (kind: string, where: string, name: string) => this.#objects.get(`${kind} ${where}/${name}`);
    return standingOf({ get }, namespace, proxy);
  }

  answer(review: unknown): AdmissionResponse | undefined {
    const standing = (namespace: string, proxy: string): Standing => this.standing(namespace, proxy);
    return admit(review, { standing, settings: SETTINGS, hash: packer.hash });
  }

  /** The pod as the API server goes on with it, or the sentence that refuses it. */
  admitted<T extends object>(pod: T, request: object = {}): T | string {
    const answer = this.answer(reviewOf(pod, request));
    if (answer === undefined) throw new Error("the review was not answered");
    return answer.allowed ? patched(pod, patchOf(answer)) : (answer.status?.message ?? "");
  }
}
