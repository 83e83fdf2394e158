import { Buffer } from "node:buffer";
import * as api from "../../api/admission-review.ts";
import { INJECT_LABEL } from "../../api/meta.ts";
import { objectName } from "../../api/names.ts";
import { read } from "../../api/problem.ts";
import type { RenderSettings } from "../render/settings.ts";
import { matches } from "../translate/references/selector.ts";
import { adminPortOf, portConflict, unfitness } from "./conflicts.ts";
import { injection } from "./injection.ts";
import type { Operation } from "./json-patch.ts";
import * as words from "./refusal-words.ts";
import type { AdmissionResponse } from "./response.ts";
import type { Standing } from "./standing.ts";

/** What an answer depends on, beside the review. */
export interface AdmitOptions {
  readonly standing: (namespace: string, proxy: string) => Standing;
  readonly settings: RenderSettings;
  /** `Packer.hash`. */
  readonly hash: (text: string) => string;
}

/** Edits of a pod, or the sentence that refuses it. */
type Decision = readonly Operation[] | string;

/** Most characters of a label's value. */
const LONGEST_VALUE = 63;

/**
 * Answers the API server about a new pod: it gets the data plane, or is refused. What is no new pod, and a pod without our
 * label, is let through as it is. undefined: not an AdmissionReview that can be answered. Never throws.
 */
export function admit(review: unknown, options: AdmitOptions): AdmissionResponse | undefined {
  const { data } = api.admissionReview.safeParse(review);
  if (data === undefined) return undefined;
  const { uid, namespace, object } = data.request;
  if (!isNewPod(data.request)) return { uid, allowed: true };
  const decision = decide(namespace, object, options);
  if (typeof decision === "string") {
    return { uid, allowed: false, status: { code: 403, reason: "Forbidden", message: decision } };
  }
  if (decision.length === 0) return { uid, allowed: true };
  const patch = Buffer.from(JSON.stringify(decision)).toString("base64");
  return { uid, allowed: true, patchType: "JSONPatch", patch };
}

function isNewPod({ resource, subResource, operation }: api.AdmissionReview["request"]): boolean {
  return resource.group === "" && resource.resource === "pods" && subResource === "" && operation === "CREATE";
}

function decide(namespace: string, object: unknown, options: AdmitOptions): Decision {
  const pod = read(api.pod, object, "", "Invalid");
  if (!pod.ok) return words.unreadable(pod.problems[0]);
  const { labels = {} } = pod.value.metadata;
  const name = Object.hasOwn(labels, INJECT_LABEL) ? labels[INJECT_LABEL] : undefined;
  if (name === undefined) return [];
  if (name === "") return words.labelEmpty(namespace);
  if (name.length > LONGEST_VALUE || !objectName.safeParse(name).success) return words.labelNotAName(name);
  const proxy = options.standing(namespace, name);
  if (proxy.kind === "Missing") return words.missing(name, namespace);
  if (proxy.kind === "NotInForce") return words.notInForce(name);
  if (proxy.kind === "Gateway") return words.ofModeGateway(name);
  return injected(pod.value, object, name, proxy, options);
}

function injected(
  pod: api.Pod,
  object: unknown,
  name: string,
  proxy: Extract<Standing, { readonly kind: "Sidecar" }>,
  { settings, hash }: AdmitOptions,
): Decision {
  const { selector, listenerPort } = proxy.shape;
  const { labels = {} } = pod.metadata;
  if (!matches(selector, labels)) {
    return words.notSelected(
      name,
      Object.entries(selector.matchLabels).filter(([key, value]) => labels[key] !== value),
    );
  }
  const unfit = unfitness(pod);
  if (unfit !== undefined) return unfit;
  const adminPort = adminPortOf(pod, listenerPort);
  if (typeof adminPort === "string") return adminPort;
  const conflict = portConflict(pod, name, { listenerPort, adminPort });
  return conflict ?? injection(pod, object, { proxy, adminPort, settings, hash });
}
