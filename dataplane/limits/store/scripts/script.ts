import { hash } from "node:crypto";

/** A Lua script that the store runs in one step. All of its keys are in KEYS, with one hash tag. */
export interface Script {
  /** Names the script in metrics. */
  readonly operation: Operation;
  readonly text: string;
  /** SHA-1 of the text in hexadecimal digits: the name under which the store keeps it. */
  readonly sha1: string;
  /**
   * The text goes along each time. A script that is sent by its hash, and is not known, comes in the end behind what was
   * sent after it.
   */
  readonly inOrder?: boolean;
}

/** What a data plane asks of the store. */
export const OPERATIONS = ["Join", "Renew", "Take", "Give", "Publish", "Borrow", "Leave"] as const;
export type Operation = (typeof OPERATIONS)[number];

export function scriptOf(operation: Operation, text: string, inOrder = false): Script {
  return { operation, text, sha1: hash("sha1", text), inOrder };
}
