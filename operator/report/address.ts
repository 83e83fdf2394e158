import { textSize } from "../../api/text-size.ts";
import { hostPort } from "../../runtime/host-port.ts";
import type { KubeObject } from "../kube/kinds.ts";
import { PORT } from "../render/pod.ts";
import { metadataOf } from "../watch/brief-object.ts";
import { OBJECT_WEIGHT, type Form } from "../watch/contents.ts";

/** The parts of a Service that say where it is reached. */
interface Service extends KubeObject {
  readonly spec?: { readonly type?: string; readonly ports?: readonly ServicePort[] };
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly Ingress[] } };
}

interface ServicePort {
  readonly name?: string;
  readonly port: number;
}

interface Ingress {
  readonly hostname?: string;
  readonly ip?: string;
}

/** What the status says, as `kubectl get service` does, while the load balancer has no address. */
const PENDING = "<pending>";

/** The address of a proxy: that of its load balancer, else of its Service in the cluster; undefined: there is no Service. */
export function addressOf(service: Service | undefined): string | undefined {
  const port = portOf(service);
  if (service === undefined || port === undefined) return undefined;
  const { name, namespace = "" } = service.metadata;
  if (service.spec?.type !== "LoadBalancer") return hostPort(`${name}.${namespace}.svc`, port.port);
  const host = hostOf(entryOf(service));
  return host === "" ? PENDING : hostPort(host, port.port);
}

/** Takes from our Service what its address is made of. */
export const addressForm: Form<KubeObject> = {
  name: "address",
  of: (object) => {
    const service: Service = object;
    const [port, entry] = [portOf(service), entryOf(service)];
    const { type } = service.spec ?? {};
    const value: Service = {
      metadata: metadataOf("Service", object.metadata),
      spec: {
        ...(type === undefined ? {} : { type }),
        ports: port === undefined ? [] : [{ name: port.name ?? "", port: port.port }],
      },
      status: { loadBalancer: { ingress: entry === undefined ? [] : [{ hostname: hostOf(entry) }] } },
    };
    return { value, weight: OBJECT_WEIGHT + textSize(value, Infinity) };
  },
};

/** Another writer may add ports of its own. */
function portOf(service: Service | undefined): ServicePort | undefined {
  const ports = service?.spec?.ports ?? [];
  return ports.find(({ name }) => name === PORT.listener) ?? ports[0];
}

/** The first entry that says where: a load balancer may list several. */
function entryOf({ status }: Service): Ingress | undefined {
  return (status?.loadBalancer?.ingress ?? []).find((entry) => hostOf(entry) !== "");
}

/** A name comes before an address: a certificate may be for it, and it may outlive the address. */
function hostOf({ hostname = "", ip = "" }: Ingress = {}): string {
  return hostname === "" ? ip : hostname;
}
