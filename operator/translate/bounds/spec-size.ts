import type { Problem } from "../../../api/problem.ts";
import { textSize } from "../../../api/text-size.ts";
import { list, record } from "../../../api/unchecked.ts";

/** Most backends of all routes together, and most different names of Services and Secrets in them. */
export const MOST_BACKENDS = 4096;
const MOST_NAMES = 4096;
/** Most values in a spec, and most items of one list: each is checked, and each may give a problem of its own. */
const MOST_VALUES = 400_000;
const MOST_ITEMS = 20_000;
/** Most characters of a spec without routes and policies, since the Deployment and the Service hold them. */
const LONGEST_SHAPE = 65_536;

const DIVIDE = "divide the routes among several WebSocketProxies";

/** Why a spec is too large to be read; undefined: it is not. To be called before the spec is parsed. */
export function specExcess(spec: Readonly<Record<string, unknown>>): Problem<"TooLarge"> | undefined {
  const excess = (at: string, message: string): Problem<"TooLarge"> => ({ reason: "TooLarge", message, at });
  if (valuesIn(spec, MOST_VALUES) > MOST_VALUES) {
    return excess("spec", `holds more than ${MOST_VALUES} values, or a list of more than ${MOST_ITEMS}; ${DIVIDE}`);
  }
  const { routes } = spec;
  const shape = { ...spec, routes: undefined, policies: undefined };
  if (textSize(shape, LONGEST_SHAPE) > LONGEST_SHAPE) {
    const at = textSize(spec["gateway"], LONGEST_SHAPE) > LONGEST_SHAPE ? "spec.gateway" : "spec";
    return excess(at, `is longer than ${LONGEST_SHAPE / 1024}Ki without routes and policies; make it shorter`);
  }
  const backends = list(routes).flatMap((route) => list(record(route)["backends"]));
  if (backends.length > MOST_BACKENDS) {
    return excess("spec.routes", `have ${backends.length} backends, and there can be ${MOST_BACKENDS}; ${DIVIDE}`);
  }
  const names = new Set(backends.flatMap((one) => namesIn(record(one))));
  if (names.size > MOST_NAMES) {
    const words = `name ${names.size} Services and Secrets in their backends, and there can be ${MOST_NAMES}; ${DIVIDE}`;
    return excess("spec.routes", words);
  }
  return undefined;
}

function namesIn({ service, tls, basicAuthSecretName }: Readonly<Record<string, unknown>>): unknown[] {
  const { caSecretName, clientSecretName } = record(tls);
  return [service, caSecretName, clientSecretName, basicAuthSecretName].filter((name) => name !== undefined);
}

/** Number of values, counted up to just beyond `most`; Infinity for a list that is too long. */
function valuesIn(value: unknown, most: number): number {
  if (typeof value !== "object" || value === null) return 1;
  if (Array.isArray(value) && value.length > MOST_ITEMS) return Number.POSITIVE_INFINITY;
  let count = 1;
  for (const one of Array.isArray(value) ? value : Object.values(value)) {
    count += valuesIn(one, most - count);
    if (count > most) return count;
  }
  return count;
}
