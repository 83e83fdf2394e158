/**
 * Which of the moves to a port that another proxy has cannot be made: that one stays on it, or an earlier move gets it.
 * The rest can be made together, in whatever chain or circle they hang.
 */
export function impossibleMoves(
  /** By proxy that moves: the one that has the port it moves to. */
  moves: ReadonlyMap<string, string>,
  /** Proxies that give a port up, unless its own move is one of those that cannot be made. */
  leaving: ReadonlySet<string>,
): ReadonlySet<string> {
  const impossible = new Set<string>();
  const promised = new Set<string>();
  for (const [mover, holder] of moves) {
    if (promised.has(holder)) impossible.add(mover);
    promised.add(holder);
  }
  for (let before = -1; before < impossible.size;) {
    before = impossible.size;
    for (const [mover, holder] of moves) {
      if (!leaving.has(holder) || impossible.has(holder)) impossible.add(mover);
    }
  }
  return impossible;
}
