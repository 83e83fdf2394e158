import type { Standing } from "./standing.ts";

/** The edit that a rollout brings to the pods. */
export interface Edit {
  /** Of the WebSocketProxy. */
  readonly generation: number;
  /** Of the Deployment, as it was last. */
  readonly shape: number | undefined;
  /** When it was first seen; ms. LONG_AGO: it changed nothing in the Deployment, or was there before this process. */
  readonly since: number;
  /** Has the Deployment controller seen the Deployment as this edit left it? */
  readonly isTaken: boolean;
}

/** For this time after an edit Kubernetes may still report a failure of the shape before it; ms. */
const SETTLING = 5000;
const LONG_AGO = Number.NEGATIVE_INFINITY;

interface Now {
  readonly generation: number;
  readonly shape: number | undefined;
  readonly isObserved: boolean;
  /** Is the status that stands about this edit? */
  readonly stands: boolean;
  readonly now: number;
}

/** The edit as it is now, after what was known of the last one. */
export function editOf({ generation, shape, isObserved, stands, now }: Now, before: Edit | undefined): Edit {
  if (before?.generation === generation) return { ...before, shape, isTaken: isObserved || before.isTaken };
  if (before === undefined && stands) return { generation, shape, since: LONG_AGO, isTaken: true };
  const isUnchanged = isObserved && (before === undefined || before.shape === shape);
  return { generation, shape, since: isUnchanged ? LONG_AGO : now, isTaken: isObserved };
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
