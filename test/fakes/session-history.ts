import type { Visit } from "./visits.ts";

/** A handshake that was admitted, with the subjects that its limits count. */
export interface Held {
  readonly visit: Visit;
  readonly pod: PodPast;
  readonly subjects: readonly string[];
}

/** When a pod took part in the counting for certain: no fault of its own, of the store or of the way between them. */
export class PodPast {
  readonly #turns: { readonly at: bigint; readonly certain: boolean }[] = [];
  readonly #holes: { readonly from: bigint; readonly to: bigint }[] = [];

  /** From this moment on it counts. */
  sure(at: bigint): void {
    this.#turns.push({ at, certain: true });
  }

  /** How often it was told that it may not count. */
  get doubts(): number {
    return this.#turns.filter(({ certain }) => !certain).length;
  }

  /** From this moment on it may not count. Moments may be told in any order. */
  doubt(at: bigint): void {
    this.#turns.push({ at, certain: false });
  }

  /** It may not count in this time, whatever else is told of it. */
  hole(from: bigint, to: bigint): void {
    this.#holes.push({ from, to });
  }

  /** It counted all of this time. */
  during(from: bigint, to: bigint): boolean {
    const turns = this.#turns.toSorted((a, b) => (a.at < b.at ? -1 : 1));
    const before = turns.findLast(({ at }) => at <= from);
    if (before?.certain !== true) return false;
    if (turns.some(({ at, certain }) => !certain && at > from && at <= to)) return false;
    return !this.#holes.some((hole) => hole.from <= to && hole.to >= from);
  }
}

/** Most sessions of a subject that were open in one moment. */
export function highest(held: readonly Held[], subject: string): number {
  const steps = held
    .filter(({ visit, subjects }) => visit.answered !== undefined && subjects.includes(subject))
    .flatMap(({ visit }) => [
      { at: visit.answered ?? 0n, step: 1 },
      ...(visit.ended === undefined ? [] : [{ at: visit.ended, step: -1 }]),
    ])
    .toSorted((a, b) => (a.at === b.at ? a.step - b.step : a.at < b.at ? -1 : 1));
  let [open, most] = [0, 0];
  for (const { step } of steps) most = Math.max(most, (open += step));
  return most;
}

/**
 * Handshakes that were admitted while pods that counted for certain held the limit of a subject, all the time from the
 * question to the answer. Each is a sentence.
 */
export function admittedAbove(
  held: readonly Held[],
  limits: ReadonlyMap<string, number>,
  judged: (one: Held) => boolean = () => true,
): string[] {
  const faults: string[] = [];
  for (const [subject, limit] of limits) {
    const all = held.filter(({ subjects }) => subjects.includes(subject));
    for (const one of all) {
      const { asked, answered = asked } = one.visit;
      if (!judged(one)) continue;
      const holds = ({ visit, pod }: Held): boolean =>
        visit !== one.visit &&
        visit.answered !== undefined &&
        visit.answered < asked &&
        (visit.ended === undefined || visit.ended > answered) &&
        pod.during(asked, answered);
      const others = all.filter(holds).length;
      if (others >= limit) faults.push(`${subject}: one was admitted beside ${others} of ${limit}`);
    }
  }
  return faults;
}
