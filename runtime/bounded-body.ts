import type { IncomingMessage } from "node:http";

export interface BodyBounds {
  readonly bytes: number;
  /** Pieces in which it may come, of which each costs a call; absent: any number. */
  readonly pieces?: number;
}

/** What was read of a body, and how reading ended. */
export interface BodyRead {
  /** TooLong: it was cut off at its bounds. Broken: the connection was lost before the end. */
  readonly end: "Whole" | "TooLong" | "Broken";
  readonly bytes: Buffer;
}

/**
 * Reads the body of an answer up to its bounds; beyond them the answer is destroyed. Calls `done` once, in the very event
 * in which reading ends: a promise would resolve after the close of the connection is told.
 */
export function readBody(
  answer: IncomingMessage,
  { bytes: most, pieces = Number.POSITIVE_INFINITY }: BodyBounds,
  done: (read: BodyRead) => void,
): void {
  const chunks: Buffer[] = [];
  let size = 0;
  let over = false;
  const settle = (end: BodyRead["end"]): void => {
    if (over) return;
    over = true;
    done({ end, bytes: Buffer.concat(chunks) });
  };
  answer.on("data", (chunk: Buffer) => {
    if (over) return;
    const tooMany = chunks.length === pieces;
    if (!tooMany) chunks.push(chunk.subarray(0, most - size));
    size += chunk.length;
    if (!tooMany && size <= most) return;
    settle("TooLong");
    answer.destroy();
  });
  answer.on("end", () => settle(answer.complete ? "Whole" : "Broken"));
  answer.on("error", () => settle("Broken"));
  answer.on("close", () => settle("Broken"));
}
