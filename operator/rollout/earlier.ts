import type { Earlier, Memory, StandingCondition } from "./memory.ts";

/** Kubernetes may take so long to look at what the operator has written; ms. */
const TAKING = 5000;

interface Moment {
  readonly generation: number;
  /** The condition Programmed as it stands in the status. */
  readonly programmed: StandingCondition | undefined;
  /** Of all hold-ups that stand. */
  readonly keys: Iterable<string>;
  /** Has the Deployment controller seen the Deployment as it is? */
  readonly isObserved: boolean;
  readonly now: number;
}

/**
 * The hold-ups that are not to be told yet: just after an edit Kubernetes still shows what held up the earlier generation,
 * though the edit may have removed it. undefined: all are to be told.
 */
export function earlierOf(moment: Moment, before: Memory | undefined): Earlier | undefined {
  const earlier = firstSeen(moment, before);
  const isOver = earlier === undefined || (moment.isObserved && moment.now - earlier.at >= TAKING);
  return isOver ? undefined : earlier;
}

/** When the hold-ups are to be looked at again; ms. */
export function takenAfter({ at }: Earlier, now: number): number {
  return Math.max(at + TAKING - now, 0);
}

function firstSeen({ generation, programmed, keys, now }: Moment, before: Memory | undefined): Earlier | undefined {
  if (before === undefined) {
    const wasStuck = programmed?.reason === "RolloutStuck" && programmed.observedGeneration !== generation;
    return wasStuck ? { keys: new Set(keys), at: now } : undefined;
  }
  if (before.generation === generation) return before.earlier;
  const told = [...before.holdUps.values()].filter(({ isTold }) => isTold);
  return { keys: new Set(told.map(({ key }) => key)), at: now };
}
