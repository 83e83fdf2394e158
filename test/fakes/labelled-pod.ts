import type { AdmissionResponse } from "../../operator/admission/response.ts";
import { reviewOf, Webhook } from "./admitted.ts";

/** A pod, of any form. */
export interface AnyPod {
  readonly metadata: { readonly labels?: unknown; readonly annotations?: Record<string, unknown> };
  readonly spec: Record<string, unknown>;
}

const webhook = new Webhook();
export const LABELS = { app: "chat", "wsproxy.dev/inject": "chat" };

/** A pod that gets the data plane of the proxy `chat`, with these fields in place of its own. */
export function podOf(spec: object = {}, metadata: object = {}): AnyPod {
  const containers = [{ name: "app", image: "chat:1" }];
  return { metadata: { labels: LABELS, ...metadata }, spec: { containers, ...spec } };
}

/** One of the lists of containers or volumes. */
export function listOf(pod: AnyPod, list: string): Record<string, unknown>[] {
  return (pod.spec[list] ?? []) as Record<string, unknown>[];
}

export function namesIn(pod: AnyPod, list: string): unknown[] {
  return listOf(pod, list).map(({ name }) => name);
}

/** The answer of the webhook about a pod. */
export function answerOf(pod: unknown): AdmissionResponse {
  const answer = webhook.answer(reviewOf(pod));
  if (answer === undefined) throw new Error("the review was not answered");
  return answer;
}

/** The pod as it is let in; throws where it is refused. */
export function letIn(pod: AnyPod): AnyPod {
  const result = webhook.admitted(pod);
  if (typeof result === "string") throw new Error(result);
  return result;
}
