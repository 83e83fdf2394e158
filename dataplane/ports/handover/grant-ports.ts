import { OpenPort, type Admission, type PortAddress } from "../open-port.ts";
import { impossibleMoves } from "./port-moves.ts";

/**
 * A port for each proxy that wants another than it has, or why it cannot have it: the port of a proxy that moves too, or
 * that is leaving, as it is; else one that is opened here. Nothing that is held is closed, nothing leads elsewhere yet.
 */
export async function grantPorts(
  wanted: ReadonlyMap<string, PortAddress>,
  held: ReadonlyMap<string, OpenPort>,
  leaving: ReadonlySet<string>,
  admission: Admission,
): Promise<Map<string, OpenPort | string>> {
  const granted = new Map<string, OpenPort | string>();
  const moves = new Map<string, string>();
  const opening = [...wanted].map(async ([name, address]) => {
    const [holder] = [...held].find(([, port]) => port.isAt(address)) ?? [];
    if (holder === undefined) granted.set(name, await OpenPort.open(address, admission));
    else moves.set(name, holder);
  });
  await Promise.all(opening);
  const free = [...granted].flatMap(([name, port]) => (typeof port === "string" ? [] : [name]));
  const impossible = impossibleMoves(moves, new Set([...leaving, ...free, ...moves.keys()]));
  for (const [name, holder] of moves) {
    const port = held.get(holder);
    if (port === undefined) continue;
    const stays = `port ${port.number} is still that of ${holder}, which has to stay there; solve that first, or change spec.listener.port`;
    granted.set(name, impossible.has(name) ? stays : port);
  }
  return granted;
}
