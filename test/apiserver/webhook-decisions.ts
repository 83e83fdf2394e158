import { admit } from "../../operator/admission/admit.ts";
import type { AdmissionResponse } from "../../operator/admission/response.ts";
import { standingOf } from "../../operator/admission/standing.ts";
import type { Caller } from "../../operator/kube/call.ts";
import { KINDS, type KubeObject } from "../../operator/kube/kinds.ts";
import { packer } from "../../operator/platform/packer.ts";
import { briefOf } from "../../operator/watch/brief-object.ts";
import { reviewOf } from "../fakes/admitted.ts";
import { patched, patchOf } from "../fakes/json-patch.ts";
import { read } from "./bench.ts";
import type { Pod } from "./webhook-pods.ts";
import { HOME } from "./webhook-plane.ts";

/** What the webhook says of a pod as it was sent, and as it is stored: from the objects that it would have in its cache. */
export async function decisions(
  client: Caller,
  namespace: string,
  sent: object,
  stored: Pod,
): Promise<{ readonly wanted: Pod; readonly asked: AdmissionResponse }> {
  const kept = new Map<string, KubeObject>();
  for (const [kind, name] of [
    ["WebSocketProxy", "chat"],
    ["Secret", "wsproxy-chat-config-0"],
  ] as const) {
    const { apiVersion } = KINDS[kind];
    kept.set(`${kind}/${name}`, briefOf({ ...(await read(client, kind, namespace, name)), apiVersion, kind }));
  }
  const get = (kind: string, _: string, name: string): KubeObject | undefined => kept.get(`${kind}/${name}`);
  const image = stored.spec.initContainers?.[0]?.image ?? "";
  const settings = {
    image,
    imagePullPolicy: "IfNotPresent",
    operatorNamespace: HOME,
    monitoringNamespaces: [],
  } as const;
  const standing = (inNamespace: string, proxy: string) => standingOf({ get }, inNamespace, proxy);
  const ask = (pod: object) => {
    const answer = admit(reviewOf(pod, { namespace }), { settings, hash: packer.hash, standing });
    if (answer === undefined) throw new Error("the review was not answered");
    return answer;
  };
  return { wanted: patched(sent, patchOf(ask(sent))) as Pod, asked: ask(stored) };
}
