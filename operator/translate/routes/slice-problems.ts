import { quoted } from "../../../api/problem.ts";
import type { ReferenceProblem } from "../references/lookup.ts";
import { undecodedWords } from "../references/undecoded.ts";
import type { EndpointSlice, Service, ServicePort, Undecoded } from "../resources.ts";

/** Ports of a Service that a message names. */
const MOST_PORTS = 10;

/** Makes a problem of one backend. */
export type MakeProblem = (reason: ReferenceProblem["reason"], field: string, message: string) => ReferenceProblem;

/**
 * What of a Service and its EndpointSlices cannot be used. At most one problem for the Service and one for each way in which
 * slices go wrong, however many slices there are: a thousand routes may name the Service.
 */
export function sliceProblems(
  service: Service,
  slices: readonly EndpointSlice[],
  undecoded: readonly Undecoded[],
  problem: MakeProblem,
): ReferenceProblem[] {
  const { name } = service.metadata;
  const of = ({ metadata }: Pick<EndpointSlice | Undecoded, "metadata">, others: number): string =>
    `EndpointSlice ${metadata.name} of Service ${name}${others === 0 ? "" : ` (and ${others} more)`}`;
  const unsupported = (words: string): ReferenceProblem => problem("ServiceUnsupported", "service", words);
  const ofService = service.leftOut === undefined ? [] : [unsupported(`Service ${name}: ${service.leftOut}`)];
  const names = slices.filter(({ addressType }) => addressType === "FQDN").slice(0, 1);
  const partly = slices.filter(({ addressType, leftOut }) => addressType !== "FQDN" && leftOut !== undefined);
  return [
    ...ofService,
    ...names.map((slice) =>
      unsupported(
        `${of(slice, 0)} has addressType FQDN, which is not dialled; write addresses, in slices of addressType IPv4 or IPv6`,
      ),
    ),
    ...partly
      .slice(0, 1)
      .map((slice) => unsupported(`${of(slice, partly.length - 1)} is used only in part: ${slice.leftOut}`)),
    ...undecoded.slice(0, 1).map((slice) => unsupported(`${of(slice, undecoded.length - 1)} ${undecodedWords(slice)}`)),
  ];
}

/** Why a Service has no TCP port of this name or number. */
export function portWords({ metadata: { name }, ports, otherPorts = [] }: Service, port: string): string {
  const other = otherPorts.find((it) => it.name === port) ?? otherPorts.find((it) => String(it.port) === port);
  const known = ports.slice(0, MOST_PORTS).map((it) => it.name ?? String(it.port));
  const more = ports.length > MOST_PORTS ? ` and ${ports.length - MOST_PORTS} more` : "";
  const has = `it has ${known.length === 0 ? "none" : known.join(", ")}${more}`;
  return other === undefined
    ? `Service ${name} has no TCP port ${port}; ${has}`
    : `Service ${name} has port ${port} for ${other.protocol} only, and the gateway dials TCP; name a TCP port (${has})`;
}

/** Why no slice has a port that the Service has. */
export function noSlicePortWords(
  { metadata }: Service,
  { name, port, targetPort }: ServicePort,
  slices: readonly EndpointSlice[],
): string {
  const has = `no EndpointSlice of Service ${metadata.name} has its port ${name ?? port}`;
  const other = slices.flatMap(({ otherPorts = [] }) => otherPorts).find((it) => it.name === name);
  if (other !== undefined)
    return `${has} for TCP; there it is for ${other.protocol} only, which the gateway does not dial`;
  // Then the slice may have the port, with a number that is none.
  if (slices.some(({ leftOut }) => leftOut !== undefined)) return has;
  if (typeof targetPort === "string") {
    return `${has}; its targetPort is the name ${quoted(targetPort)}: give a container port of the pods that name`;
  }
  return name === undefined
    ? `${has}, which has no name; give the port in the slice no name, or both the same`
    : `${has}; give the slice's port that name`;
}
