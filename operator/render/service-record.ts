import { GROUP } from "../../api/meta.ts";
import type { ServiceShape } from "../translate/translation.ts";
import type { Labels } from "./manifest.ts";

/** Annotation of a config Secret: how the Service leads to the listener of this config, such as `LoadBalancer 443`. */
const SERVICE = `${GROUP}/service`;

/** The annotation, as it is written with each config: so the next pass knows both, whatever the next spec says. */
export function serviceRecord(service: ServiceShape | undefined): Labels {
  return service === undefined ? {} : { [SERVICE]: `${service.type} ${service.port}` };
}

/** Reads the annotation; undefined: there is none, as in a Secret that an earlier version wrote. */
export function serviceIn(annotations: Labels = {}): ServiceShape | undefined {
  const [, type, port] = /^(ClusterIP|NodePort|LoadBalancer) ([1-9]\d{0,4})$/.exec(annotations[SERVICE] ?? "") ?? [];
  return type === undefined || Number(port) > 65_535
    ? undefined
    : { type: type as ServiceShape["type"], port: Number(port) };
}
