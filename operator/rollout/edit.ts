import type { Standing } from "./standing.ts";

/** The edit that a rollout brings to the pods. */
export interface Edit {
  /** Of the WebSocketProxy. */
  readonly generation: number;
  /** When it was first seen; ms. */
  readonly since: number;
  /** Has the Deployment controller seen the Deployment as this edit left it? */
  readonly isTaken: boolean;
}

/** For this time after an edit Kubernetes may still report a failure of the shape before it; ms. */
const SETTLING = 5000;

interface Now {
  readonly generation: number;
  readonly isObserved: boolean;
  /** Is the status that stands about this edit? */
  readonly stands: boolean;
  readonly now: number;
}

/** The edit as it is now, after what was known of the last one. */
export function editOf({ generation, isObserved, stands, now }: Now, before: Edit | undefined): Edit {
  const isKnown = before === undefined ? stands || isObserved : before.generation === generation;
  if (!isKnown) return { generation, since: now, isTaken: isObserved };
  return {
    generation,
    since: before?.since ?? Number.NEGATIVE_INFINITY,
    isTaken: isObserved || (before?.isTaken ?? stands),
  };
}

/** ms until what holds up the Deployment is about this edit; 0: it is. */
export function settlesAfter({ since }: Edit, now: number): number {
  return Math.max(0, since + SETTLING - now);
}

/** Is a hold-up about this edit? One that stood there before may be about the shape that the edit is to correct. */
export function isAbout(edit: Edit, { about, key, since }: Standing, now: number): boolean {
  if (about !== "deployment") return edit.isTaken;
  return key === "paused" || since > edit.since || settlesAfter(edit, now) === 0;
}
