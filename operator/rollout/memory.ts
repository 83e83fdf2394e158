import type { Standing } from "./standing.ts";

/** Hold-ups that were told of an earlier generation. */
export interface Earlier {
  readonly keys: ReadonlySet<string>;
  /** When the new generation was first seen; ms. */
  readonly at: number;
}

export interface StandingCondition {
  readonly status: string;
  readonly reason: string;
  readonly observedGeneration?: number | undefined;
}

/** What a look remembers for the next one. */
export interface Memory {
  /** Of the WebSocketProxy. */
  readonly generation: number;
  /** What the pods are on their way to. */
  readonly aim: string;
  readonly isDone: boolean;
  /** Most pods that were done. */
  readonly most: number;
  /** When there was progress last. */
  readonly since: number;
  readonly holdUps: ReadonlyMap<string, Standing>;
  /** Hold-ups of an earlier generation that are not told of this one. */
  readonly earlier?: Earlier | undefined;
}
