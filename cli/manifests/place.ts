/** Where an object stands: for whoever has to find a mistake. */
export interface Place {
  readonly file: string;
  /** Counted from 1. */
  readonly document: number;
  /** Line of a field such as `spec.routes[0].path`, or of the nearest one above it that is there. */
  line(field: string): number;
  /** A field as it is written here: an entry of a Secret's `data` may stand in its `stringData`. */
  written(field: string): string;
}

/** A mistake, and all that is known of where it is. */
export interface Finding {
  readonly file?: string;
  readonly document?: number;
  readonly line?: number;
  readonly column?: number;
  /** `WebSocketProxy demo/chat` */
  readonly object?: string;
  readonly field?: string;
  /** Of the condition that it becomes; absent where the file is what is wrong. */
  readonly reason?: string;
  /** What is wrong and what to write; never a value of a Secret. */
  readonly message: string;
}

/** A finding on one line, as compilers write them. */
export function findingLine({ file, document, line, column, object, field, message }: Finding): string {
  const spot = [file, line, line === undefined ? undefined : column].filter((part) => part !== undefined).join(":");
  const where = [document === undefined ? undefined : `document ${document}`, object, field];
  const named = where.filter((part) => part !== undefined && part !== "").join(", ");
  return [spot, named, message].filter((part) => part !== "").join(": ");
}
