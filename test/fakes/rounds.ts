/** Most rounds of a measurement. */
const ROUNDS = 3;

type Figures = Readonly<Record<string, number>>;

/**
 * Which figures reach their bound in each round, with the least of each; no further round once each has stayed below
 * its bound. Each round starts a program of its own: what a new program takes is then in every round, and what the
 * machine adds, such as memory that it gives out for the first time, is in some.
 */
export async function tooMuchInEachRound<Some extends Figures>(
  bounds: Some,
  round: () => Promise<Some>,
): Promise<Figures> {
  let least: Figures = {};
  let tooMuch: Figures = bounds;
  for (let done = 0; done < ROUNDS && Object.keys(tooMuch).length > 0; done += 1) {
    const now = Object.entries(await round());
    least = Object.fromEntries(now.map(([figure, value]) => [figure, Math.min(least[figure] ?? value, value)]));
    tooMuch = Object.fromEntries(Object.entries(least).filter(([figure, value]) => !(value < (bounds[figure] ?? 0))));
  }
  return tooMuch;
}
