import { MODE_STAYS } from "../../api/websocket-proxy.ts";
import { specWith } from "./proxy.ts";

/** An edit of a resource that is right before and after: allowed, or refused at one field. Only an API server can judge it. */
export interface EditSample {
  readonly name: string;
  readonly before: object;
  readonly after: object;
  /** The field whose change is refused; absent: the edit is allowed. */
  readonly at?: string;
  /** In the words of the rule. */
  readonly rule: string;
}

const gateway = specWith({});
const named = specWith({ spec: { mode: "Gateway", gateway: { replicas: 3 } } });
const sidecarOf = (app: string): object =>
  specWith({ spec: { mode: "Sidecar", sidecar: { selector: { matchLabels: { app } } } } });

const mode = (name: string, before: object, after: object, at?: string): EditSample => ({
  name,
  before,
  after,
  rule: MODE_STAYS,
  ...(at === undefined ? {} : { at }),
});

/** Every rule about edits with what keeps and what breaks it. */
export const editSamples: readonly EditSample[] = [
  mode("the default mode may be written out", gateway, named),
  mode("the mode Gateway may be left out", named, gateway),
  mode("in mode Sidecar everything else may change", sidecarOf("chat"), sidecarOf("news")),
  mode("the default mode cannot become Sidecar", gateway, sidecarOf("chat"), "spec.mode"),
  mode("mode Gateway cannot become Sidecar", named, sidecarOf("chat"), "spec.mode"),
  mode("mode Sidecar cannot become Gateway", sidecarOf("chat"), named, "spec.mode"),
  mode("mode Sidecar cannot be left out", sidecarOf("chat"), gateway, "spec.mode"),
];
