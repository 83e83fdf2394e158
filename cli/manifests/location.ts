/** Where an object stands in the files, for messages about its mistakes. */
export interface ObjectLocation {
  readonly file: string;
  /** Counted from 1. */
  readonly document: number;
  /** Line of a field such as `spec.routes[0].path`, or of its nearest parent that exists. */
  line(field: string): number;
  /** The field as the file writes it: an entry of a Secret's `data` may stand in its `stringData`. */
  written(field: string): string;
}

/** A mistake, with all that is known about its location. */
export interface Finding {
  readonly file?: string;
  readonly document?: number;
  readonly line?: number;
  readonly column?: number;
  /** `WebSocketProxy demo/chat` */
  readonly object?: string;
  readonly field?: string;
  /** Reason of the condition that it becomes; absent: the mistake is in the file, not in an object. */
  readonly reason?: string;
  /** What is wrong and what to write; never a value of a Secret. */
  readonly message: string;
}

/** A finding on one line, as compilers write them. */
export function findingLine({ file, document, line, column, object, field, message }: Finding): string {
  const position = [file, line, line === undefined ? undefined : column].filter((part) => part !== undefined).join(":");
  const where = [document === undefined ? undefined : `document ${document}`, object, field];
  const named = where.filter((part) => part !== undefined && part !== "").join(", ");
  return [position, named, message].filter((part) => part !== "").join(": ");
}
