import type { OpenPort } from "../open-port.ts";
import { impossibleMoves } from "./port-moves.ts";

/**
 * For each proxy that moves to a port that another one has: that open port, or why it cannot have it. Only `standalone`
 * comes here, where one edit swaps the ports of two proxies: no connection may be refused meanwhile.
 */
export function handOver(
  /** By proxy that moves: the one that has the port. */
  moves: ReadonlyMap<string, string>,
  open: ReadonlyMap<string, OpenPort>,
  /** Proxies that give their ports up for other reasons: they are removed, or have got a new port. */
  leaving: ReadonlySet<string>,
): ReadonlyMap<string, OpenPort | string> {
  const impossible = impossibleMoves(moves, new Set([...leaving, ...moves.keys()]));
  const handed = new Map<string, OpenPort | string>();
  for (const [name, holder] of moves) {
    const port = open.get(holder);
    if (port === undefined) continue;
    const stays = `port ${port.number} is still that of ${holder}, which has to stay there; solve that first, or change spec.listener.port`;
    handed.set(name, impossible.has(name) ? stays : port);
  }
  return handed;
}
