import type { HoldUp } from "./hold-ups.ts";

/** A hold-up over several looks. */
export interface Standing extends Pick<HoldUp, "key" | "words" | "about" | "patience"> {
  /** When it was first seen; ms. */
  readonly since: number;
  /** It has lasted long enough to be told; it stays told until it is over. */
  readonly isTold: boolean;
  /** When its words were taken; ms. */
  readonly wordsAt: number;
  /** Other words wait for their turn. */
  readonly isStale: boolean;
  /** Since when the pod has been ready all the time; undefined: it is not. */
  readonly calm: number | undefined;
  /** The pod has been ready for long enough: it is no longer held up. */
  readonly isOver: boolean;
}

/** Words that change all the time, such as those of a scheduler, are taken anew after this time; ms. */
const REWORD = 60_000;
/** The least time between two looks; ms. */
const SOONEST = 1000;

interface Now {
  readonly now: number;
  /** Is the pod ready at this moment? */
  readonly ready: boolean;
  /** Is it to be told, however long it has lasted? */
  readonly told: boolean;
}

/** The hold-up as it stands now, after what was known of it. */
export function standingOf(holdUp: HoldUp, known: Standing | undefined, { now, ready, told }: Now): Standing {
  const { key, about, patience } = holdUp;
  const since = known?.since ?? now;
  const calm = ready ? (known?.calm ?? now) : undefined;
  const isTold = told || known?.isTold === true || now - since >= patience;
  return {
    key,
    about,
    patience,
    since,
    isTold,
    calm,
    isOver: calm !== undefined && now - calm >= patience,
    ...wordsOf(holdUp, known, now),
  };
}

function wordsOf(
  { words, about, lesser }: HoldUp,
  known: Standing | undefined,
  now: number,
): Pick<Standing, "words" | "wordsAt" | "isStale"> {
  if (known === undefined) return { words, wordsAt: now, isStale: false };
  const keep = { words: known.words, wordsAt: known.wordsAt };
  if (words === known.words || (lesser === true && about === known.about)) return { ...keep, isStale: false };
  return now - known.wordsAt < REWORD ? { ...keep, isStale: true } : { words, wordsAt: now, isStale: false };
}

/** When the next of these is to be told, reworded or over; `other`: something else that is due then; ms. */
export function againAfter(all: Iterable<Standing>, now: number, other: number | undefined): number | undefined {
  const waits = [...all].flatMap(({ isTold, since, patience, calm, isStale, wordsAt }) => [
    ...(isTold ? [] : [since + patience - now]),
    ...(isStale ? [wordsAt + REWORD - now] : []),
    ...(calm === undefined ? [] : [calm + patience - now]),
  ]);
  const least = Math.min(...waits, other ?? Number.POSITIVE_INFINITY);
  return Number.isFinite(least) ? Math.max(least, SOONEST) : undefined;
}
