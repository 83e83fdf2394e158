import { THIS_POD, type Endpoint } from "../../../api/config.ts";
import { found, missing, type Found, type Lookup, type ReferenceProblem } from "../references/lookup.ts";
import { undecodedOf, undecodedWords } from "../references/undecoded.ts";
import { inOneFamily, isFamily } from "./one-family.ts";
import { noSlicePortWords, portWords, sliceProblems, type MakeProblem } from "./slice-problems.ts";
import type { EndpointSlice, Family, Service, ServicePort } from "../resources.ts";

/** Most endpoints of one backend: the bound of the rendered endpoints. */
const MAX_ENDPOINTS = 10_000;

const HOST = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/i;

/** The key under which a config finds a backend's endpoints: `<service>:<port>`, or `:<port>` for the pod itself. */
export function endpointsKey(service: string | undefined, port: number | string): string {
  return `${service ?? ""}:${port}`;
}

/** The endpoints of a Service's port, Ready or Draining. `at`: path of the backend in the spec. */
export function endpointsOf(key: string, at: string, lookup: Lookup): Found<readonly Endpoint[]> {
  const colon = key.lastIndexOf(":");
  const [name, port] = [key.slice(0, colon), key.slice(colon + 1)];
  if (name === "") return found([{ address: THIS_POD, port: Number(port), state: "Ready" }]);
  const { value, problems } = lookup.once(`endpoints ${key}`, () => behind(name, port, lookup));
  // Routes share the endpoints; each reports the problems at its own path.
  return { value, problems: problems.map((problem) => ({ ...problem, at: `${at}.${problem.at}` })) };
}

function behind(name: string, port: string, lookup: Lookup): Found<readonly Endpoint[]> {
  const problem: MakeProblem = (reason, field, message) => ({
    reason,
    message,
    at: field,
    object: lookup.self,
  });
  const service = lookup.services.get(name);
  if (service === undefined) {
    const unusable = undecodedOf("Service", name, lookup);
    if (unusable !== undefined) {
      const reason = unusable.beyond === true ? "TooLarge" : "ServiceUnsupported";
      return missing(problem(reason, "service", `Service ${name} ${undecodedWords(unusable)}`));
    }
    const words = `there is no Service ${name} in namespace ${lookup.namespace}; create it, or correct the name`;
    return missing(problem("ServiceNotFound", "service", words));
  }
  const slices = lookup.slices.get(name) ?? [];
  const external = service.type === "ExternalName";
  if (external && (!lookup.externalNames || slices.length === 0)) {
    return externalEndpoint(service, port, lookup, problem);
  }
  const wanted = portOf(service, port);
  if (wanted === undefined) return missing(problem("ServicePortNotFound", "port", portWords(service, port)));
  const inSlices = slices.flatMap(({ addressType: family, ...slice }) =>
    isFamily(family) ? [inSlice({ family, ...slice }, wanted, service.ports.length === 1)] : [],
  );
  const listed = inSlices.flatMap((it) => it ?? []);
  const endpoints = merged(inOneFamily(listed, service.ipFamilies));
  const problems: ReferenceProblem[] = [];
  if (endpoints.length > MAX_ENDPOINTS) {
    const words = `Service ${name} has ${endpoints.length} endpoints; the first ${MAX_ENDPOINTS} are used`;
    problems.push(problem("ServiceUnsupported", "service", words));
  }
  const cut = lookup.cutServices.get(name);
  if (cut !== undefined) {
    const words = `Service ${name} has ${cut} EndpointSlices, and together with the proxy's other Services that is more than is read for one WebSocketProxy; the first ${slices.length} are used. Divide the Service, or the routes among several WebSocketProxies`;
    problems.push(problem("TooLarge", "service", words));
  }
  if (inSlices.length > 0 && inSlices.every((it) => it === undefined)) {
    const words = noSlicePortWords(service, wanted, slices);
    problems.push(problem("ServicePortNotFound", "port", words));
  }
  const undecoded = lookup.undecoded.slices.get(name) ?? [];
  problems.push(...sliceProblems(service, slices, undecoded, problem));
  return { value: endpoints.slice(0, MAX_ENDPOINTS), problems };
}

function externalEndpoint(
  service: Service,
  port: string,
  lookup: Lookup,
  problem: MakeProblem,
): Found<readonly Endpoint[]> {
  const { name } = service.metadata;
  if (!lookup.externalNames) {
    const words = `Service ${name} is of type ExternalName, which is not dialled in a cluster: it could name any host; write a Service with a selector or with EndpointSlices`;
    return missing(problem("ServiceUnsupported", "service", words));
  }
  // A dot at the end is legal, and only says that the name is whole.
  const externalName = (service.externalName ?? "").replace(/\.$/, "");
  if (!HOST.test(externalName)) {
    return missing(problem("ServiceUnsupported", "service", `Service ${name}: spec.externalName is not a host name`));
  }
  // An ExternalName Service need not list its ports.
  const number = portOf(service, port)?.port ?? (service.ports.length === 0 ? Number(port) : Number.NaN);
  if (Number.isNaN(number)) {
    return missing(problem("ServicePortNotFound", "port", `Service ${name} has no TCP port ${port}; add it there`));
  }
  return found([{ address: externalName, port: number, state: "Ready" }]);
}

function portOf({ ports }: Service, port: string): ServicePort | undefined {
  return ports.find((it) => it.name === port) ?? ports.find((it) => String(it.port) === port);
}

/** An address in a slice; `state` undefined: no session may go to it. */
interface SliceAddress extends Omit<Endpoint, "state"> {
  readonly state: Endpoint["state"] | undefined;
  readonly family: Family;
  readonly pod: string | undefined;
}

type Slice = Pick<EndpointSlice, "ports" | "endpoints"> & { readonly family: Family };

/** The addresses that a slice lists; undefined: the slice does not have the port. */
function inSlice({ ports, endpoints, family }: Slice, wanted: ServicePort, only: boolean): SliceAddress[] | undefined {
  if (endpoints.length === 0) return [];
  const match =
    ports.find(({ name }) => name === wanted.name) ??
    (only && ports.length === 1 ? ports.find(({ name }) => name === undefined) : undefined);
  if (match === undefined) return undefined;
  // A slice's port without a number means all ports: then the Service's own port counts.
  const port = match.port ?? (typeof wanted.targetPort === "number" ? wanted.targetPort : wanted.port);
  return endpoints.flatMap((endpoint) => {
    const shared = { port, state: stateOfEndpoint(endpoint), family, pod: endpoint.pod };
    return endpoint.addresses.map((address) => ({ address, ...shared }));
  });
}

function stateOfEndpoint(endpoint: EndpointSlice["endpoints"][number]): Endpoint["state"] | undefined {
  if (endpoint.terminating) return endpoint.serving ? "Draining" : undefined;
  return endpoint.ready ? "Ready" : undefined;
}

/** Each endpoint once, sorted. An endpoint that moves between slices is in both for a while: then Ready wins. */
function merged(listed: readonly SliceAddress[]): Endpoint[] {
  const byAddress = new Map<string, Endpoint>();
  for (const { address, port, state } of listed) {
    const key = `${address} ${port}`;
    if (state !== undefined && byAddress.get(key)?.state !== "Ready") byAddress.set(key, { address, port, state });
  }
  return [...byAddress.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, endpoint]) => endpoint);
}
