import { Buffer } from "node:buffer";
import { isIPv4 } from "node:net";
import type {
  ConfigMapObject,
  EndpointSliceObject,
  SecretObject,
  ServiceObject,
} from "../../api/kubernetes-objects.ts";
import { port as portNumber } from "../../api/names.ts";
import { fieldPath, quoted, type Problem } from "../../api/problem.ts";
import { canonicalAddress } from "../../runtime/canonical-address.ts";
import { problemsInWords } from "./problems-in-words.ts";
import { SERVICE_NAME } from "../kube/kinds.ts";
import type { ConfigMap, EndpointSlice, OtherPort, Secret, Service } from "../translate/resources.ts";
import { isFamily } from "../translate/routes/one-family.ts";

/** A decoded object with what is wrong inside it: the rest of the object still counts. */
export interface Made<T> {
  readonly object: T;
  readonly problems?: readonly Problem[];
}

/** Data decoded from base64; what is not text is only named. */
export function toSecret({ metadata, type, data: encoded, stringData }: SecretObject): Made<Secret> {
  const problems: Problem[] = [];
  const data = new Map<string, string>();
  const unreadable: string[] = [];
  for (const [key, value] of Object.entries(encoded)) {
    const bytes = bytesOf(value);
    const text = textOf(bytes);
    if (bytes === undefined)
      problems.push(invalid("is not base64; plain text belongs in stringData", fieldPath("data", [key])));
    if (text === undefined) unreadable.push(key);
    else data.set(key, text);
  }
  for (const [key, value] of Object.entries(stringData)) data.set(key, value);
  return {
    object: { metadata, type, data: Object.fromEntries(data), notText: unreadable.filter((key) => !data.has(key)) },
    problems,
  };
}

/** The entries that are text; those in binaryData are only named. */
export function toConfigMap({ metadata, data, binaryData }: ConfigMapObject): Made<ConfigMap> {
  const binary = Object.keys(binaryData);
  return { object: { metadata, data, ...(binary.length === 0 ? {} : { binary }) } };
}

/** A Service: ports that can be dialled over TCP, and beside them the other ones. */
export function toService({ metadata, spec }: ServiceObject): Made<Service> {
  const { type, externalName, ipFamilies, ports } = spec;
  const problems = ipFamilies.flatMap((family, index) =>
    isFamily(family) ? [] : [invalid(`${quoted(family)} is neither IPv4 nor IPv6`, `spec.ipFamilies[${index}]`)],
  );
  const families = ipFamilies.filter(isFamily);
  return {
    object: {
      metadata,
      type,
      ...(externalName === undefined ? {} : { externalName }),
      ...(families.length === 0 ? {} : { ipFamilies: families }),
      ports: ports.filter(overTcp).map(({ name, port, targetPort }) => ({
        ...named(name),
        port,
        ...(targetPort === undefined || targetPort === null ? {} : { targetPort }),
      })),
      ...otherPorts(ports),
      ...leftOut(problems),
    },
    problems,
  };
}

/** Addresses in one spelling, conditions in Kubernetes' meaning. */
export function toEndpointSlice(slice: EndpointSliceObject): Made<EndpointSlice> {
  const { metadata, addressType, ports, endpoints } = slice;
  const service = Object.hasOwn(metadata.labels, SERVICE_NAME) ? (metadata.labels[SERVICE_NAME] ?? "") : "";
  const problems: Problem[] = [];
  const dialled = isFamily(addressType);
  if (!dialled) {
    const type = addressType === "FQDN" ? addressType : quoted(addressType);
    problems.push(invalid(`${type} is not dialled; write IPv4 or IPv6, or a Service with externalName`, "addressType"));
  }
  const tcp = ports.flatMap(({ name, protocol, port: number }, index) => {
    if (!overTcp({ protocol })) return [];
    if (number === undefined || number === null) return [named(name)];
    if (portNumber.safeParse(number).success) return [{ ...named(name), port: number }];
    problems.push(invalid(`${number} is not a port; write 1 to 65535`, `ports[${index}].port`));
    return [];
  });
  const decoded = endpoints.map(({ addresses, conditions, targetRef }, index) => ({
    addresses: addresses.flatMap((text, position) => {
      if (!dialled) return [];
      // One spelling for each address, so that one endpoint is not two; one with a zone holds on one machine only.
      const address = text.includes("%") ? undefined : canonicalAddress(text);
      if (address !== undefined && isIPv4(address) === (addressType === "IPv4")) return [address];
      const words =
        address === undefined
          ? `${quoted(text)} is not an IP address`
          : `${quoted(text)} is not of addressType ${addressType}; each family has slices of its own`;
      problems.push(invalid(words, `endpoints[${index}].addresses[${position}]`));
      return [];
    }),
    ...(targetRef?.kind === "Pod" && targetRef.name !== undefined ? { pod: podOf(targetRef) } : {}),
    // Unknown means ready, and serving follows ready (discovery.k8s.io/v1 EndpointConditions).
    ready: conditions?.ready ?? true,
    serving: conditions?.serving ?? conditions?.ready ?? true,
    terminating: conditions?.terminating ?? false,
  }));
  return {
    object: {
      metadata,
      service,
      addressType,
      ports: tcp,
      ...otherPorts(ports),
      ...leftOut(problems),
      endpoints: decoded,
    },
    problems,
  };
}

/** A port as the API has it. */
interface ApiPort {
  readonly name?: string | undefined;
  readonly protocol: string;
  readonly port?: number | null | undefined;
}

const overTcp = ({ protocol }: Pick<ApiPort, "protocol">): boolean => protocol === "TCP";

const named = (name: string | undefined): { readonly name?: string } => (name === undefined ? {} : { name });

/** What of an object is left out, in words; nothing: nothing is. */
function leftOut(problems: readonly Problem[]): { readonly leftOut?: string } {
  const words = problemsInWords(problems);
  return words === undefined ? {} : { leftOut: words };
}

/** The ports that are not dialled; nothing: all are. */
function otherPorts(ports: readonly ApiPort[]): { readonly otherPorts?: readonly OtherPort[] } {
  const others = ports
    .filter((one) => !overTcp(one))
    .map(({ name, port: number, protocol }) => ({
      ...named(name),
      ...(number === undefined || number === null ? {} : { port: number }),
      protocol: protocol === "UDP" || protocol === "SCTP" ? protocol : "another protocol",
    }));
  return others.length === 0 ? {} : { otherPorts: others };
}

/** With the uid: a new pod may have the name of an old one that is not gone yet. */
function podOf({
  name = "",
  uid = "",
}: {
  readonly name?: string | undefined;
  readonly uid?: string | undefined;
}): string {
  return `${name} ${uid}`;
}

/** Strict, as Kubernetes reads it, but for white space that YAML blocks bring along. */
export function bytesOf(text: string): Buffer | undefined {
  const compact = text.replaceAll(/\s/g, "");
  if (compact.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(compact)) return undefined;
  return Buffer.from(compact, "base64");
}

const UTF_8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** undefined: they are not UTF-8. */
export function textOf(bytes: Buffer | undefined): string | undefined {
  if (bytes === undefined) return undefined;
  try {
    return UTF_8.decode(bytes);
  } catch {
    return undefined;
  }
}

export function invalid(message: string, at: string): Problem {
  return { reason: "Invalid", message, at };
}
