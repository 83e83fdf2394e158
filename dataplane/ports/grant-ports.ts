import { handOver } from "./handover/hand-over.ts";
import { OpenPort, type ConnectionBounds, type PortAddress } from "./open-port.ts";

/**
 * For each proxy that changes its port: the port, or why it cannot have it. Nothing that is open is closed here, and no
 * port leads elsewhere yet. A pod serves one proxy, so its ports are always opened, never handed over.
 */
export async function grantPorts(
  wanted: ReadonlyMap<string, PortAddress>,
  open: ReadonlyMap<string, OpenPort>,
  leaving: ReadonlySet<string>,
  bounds: ConnectionBounds,
): Promise<Map<string, OpenPort | string>> {
  const granted = new Map<string, OpenPort | string>();
  /** By proxy: the one that has the port that it wants. */
  const moves = new Map<string, string>();
  const opening = [...wanted].map(async ([name, address]) => {
    const [holder] = [...open].find(([, port]) => port.isAt(address)) ?? [];
    if (holder === undefined) granted.set(name, await OpenPort.open(address, bounds));
    else moves.set(name, holder);
  });
  await Promise.all(opening);
  if (moves.size === 0) return granted;
  const opened = [...granted].flatMap(([name, port]) => (typeof port === "string" ? [] : [name]));
  return new Map([...granted, ...handOver(moves, open, new Set([...leaving, ...opened]))]);
}
