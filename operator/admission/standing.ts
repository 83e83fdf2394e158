import { packer } from "../platform/packer.ts";
import { namesOf, type Names } from "../render/names.ts";
import { SIDECAR_RECORD, sidecarIn } from "../render/sidecar-record.ts";
import type { SidecarShape } from "../translate/translation.ts";
import { isOf } from "../watch/belonging.ts";
import type { OwnObjects } from "../watch/own-objects.ts";

/** What the operator knows of the proxy that a pod names. */
export type Standing =
  /** There is none, or it is being deleted. */
  | { readonly kind: "Missing" }
  /** It has no config yet that pods could serve. */
  | { readonly kind: "NotInForce" }
  /** Its config in force is for pods of its own. */
  | { readonly kind: "Gateway" }
  | { readonly kind: "Sidecar"; readonly names: Names; readonly shape: SidecarShape };

/** The standing of a proxy, from what this replica has cached: a pod does not wait for a call to the API server. */
export function standingOf(own: Pick<OwnObjects, "get">, namespace: string, proxy: string): Standing {
  const owner = own.get("WebSocketProxy", namespace, proxy)?.metadata;
  if (owner === undefined || owner.deletionTimestamp !== undefined) return { kind: "Missing" };
  const names = namesOf(proxy, packer.hash);
  const secret = own.get("Secret", namespace, names.configPart(0));
  // An earlier proxy of that name had a config of its own.
  if (secret === undefined || owner.uid === undefined || !isOf({ uid: owner.uid }, secret)) {
    return { kind: "NotInForce" };
  }
  const annotations = secret.metadata.annotations ?? {};
  if (!Object.hasOwn(annotations, SIDECAR_RECORD)) return { kind: "Gateway" };
  const shape = sidecarIn(annotations);
  return shape === undefined ? { kind: "NotInForce" } : { kind: "Sidecar", names, shape };
}
