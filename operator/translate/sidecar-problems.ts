import { containerResources } from "../../api/container-resources.ts";
import type { AcceptedProblem } from "../../api/conditions.ts";
import { read } from "../../api/problem.ts";
import { LARGEST_SIDECAR_RECORD } from "../../api/sidecar-shape.ts";
import type { WebSocketProxySpec } from "../../api/websocket-proxy.ts";

type Located = AcceptedProblem & { readonly object: string };

const RESOURCES = "spec.dataplane.resources";
const SELECTOR = "spec.sidecar.selector";
/** Characters of a record beside its two parts of any length. */
const OTHERS = 200;

/**
 * Mistakes in what pods of mode Sidecar get. In mode Gateway the API server would refuse a Deployment of ours, and the status
 * has its words; here it would refuse the pods of other people.
 */
export function sidecarProblems(header: WebSocketProxySpec | undefined, self: string): Located[] {
  if (header?.mode !== "Sidecar") return [];
  const { resources } = header.dataplane;
  const checked = read(containerResources, resources, RESOURCES, "Invalid");
  const problems: AcceptedProblem[] = [...(checked.ok ? [] : checked.problems), ...excess(resources, header.sidecar)];
  return problems.map((problem) => ({ ...problem, object: self }));
}

/** Of two parts the larger one is blamed. */
function excess(resources: unknown, sidecar: WebSocketProxySpec["sidecar"]): AcceptedProblem[] {
  const [ours, theirs] = [JSON.stringify(resources).length, JSON.stringify(sidecar?.selector ?? {}).length];
  if (ours + theirs + OTHERS <= LARGEST_SIDECAR_RECORD) return [];
  const [at, other] = ours > theirs ? [RESOURCES, SELECTOR] : [SELECTOR, RESOURCES];
  const message = `has ${Math.max(ours, theirs)} characters as JSON; with ${other} there can be ${LARGEST_SIDECAR_RECORD - OTHERS}. Make it shorter`;
  return [{ reason: "TooLarge", message, at }];
}
