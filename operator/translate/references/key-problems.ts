import type { AcceptedProblem } from "../../../api/conditions.ts";
import { fieldPath } from "../../../api/problem.ts";
import type { WebSocketProxySpec } from "../../../api/websocket-proxy.ts";

const NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const PREFIX = new RegExp(`^${LABEL}(\\.${LABEL})*$`);
const LONGEST_PREFIX = 253;

const WORDS =
  "is no key that Kubernetes takes; write at most 63 letters, digits, - _ and ., with a letter or digit at both ends, after a lower case DNS name and / where you like, such as example.com/team";

/** The parts of a spec with labels and annotations that other objects get. */
type Shape = Pick<WebSocketProxySpec, "gateway" | "sidecar">;

/** Finds keys of labels and annotations that the API server would refuse, with an error about an object that no user wrote. */
export function keyProblems(spec: Shape | undefined, self: string): (AcceptedProblem & { readonly object: string })[] {
  const { gateway, sidecar } = spec ?? {};
  const { pod, service } = gateway ?? {};
  const labels = { labels: pod?.labels, nodeSelector: pod?.nodeSelector };
  const problems = [
    ...Object.entries(labels).flatMap(([field, map]) => problemsIn(map, `spec.gateway.pod.${field}`, isLabelKey)),
    ...problemsIn(pod?.annotations, "spec.gateway.pod.annotations", isAnnotationKey),
    ...problemsIn(service?.annotations, "spec.gateway.service.annotations", isAnnotationKey),
    ...problemsIn(sidecar?.selector.matchLabels, "spec.sidecar.selector.matchLabels", isLabelKey),
  ];
  return problems.map((problem) => ({ ...problem, object: self }));
}

function problemsIn(
  map: Readonly<Record<string, string>> | undefined,
  at: string,
  isKey: (key: string) => boolean,
): AcceptedProblem[] {
  const wrong = Object.keys(map ?? {}).filter((key) => !isKey(key));
  return wrong.map((key) => ({ reason: "Invalid", message: WORDS, at: fieldPath(at, [key]) }));
}

/** Is it a qualified name of Kubernetes, `[prefix/]name`? */
function isLabelKey(key: string): boolean {
  const slash = key.indexOf("/");
  const prefix = slash === -1 ? undefined : key.slice(0, slash);
  if (prefix !== undefined && (prefix.length > LONGEST_PREFIX || !PREFIX.test(prefix))) return false;
  return NAME.test(key.slice(slash + 1));
}

/** In keys of annotations upper case is legal everywhere, also before the slash. */
function isAnnotationKey(key: string): boolean {
  return isLabelKey(key.toLowerCase());
}
