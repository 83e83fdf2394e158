import { hostPort } from "../../runtime/host-port.ts";
import type { KubeObject } from "../kube/kinds.ts";

/** The parts of a Service that say where it is reached. */
interface Service extends KubeObject {
  readonly spec?: { readonly ports?: readonly { readonly port: number }[] };
  readonly status?: {
    readonly loadBalancer?: { readonly ingress?: readonly { readonly hostname?: string; readonly ip?: string }[] };
  };
}

/** The address of a proxy: that of its load balancer, else of its Service in the cluster; undefined: there is none yet. */
export function addressOf(service: Service | undefined): string | undefined {
  const [port] = service?.spec?.ports ?? [];
  if (service === undefined || port === undefined) return undefined;
  const { name, namespace = "" } = service.metadata;
  const [ingress] = service.status?.loadBalancer?.ingress ?? [];
  const host = ingress?.hostname ?? ingress?.ip ?? `${name}.${namespace}.svc`;
  return hostPort(host, port.port);
}
