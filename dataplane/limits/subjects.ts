/** A table of subjects: the token buckets of one limit. */
export interface SubjectTable {
  readonly size: number;
  /** Deletes the subject that was least recently seen. */
  forgetOldest(): void;
}

/** Subjects that one limit remembers. */
export const MAX_SUBJECTS = 100_000;
/** Subjects that all limits of a process remember together; each takes about 300 bytes. */
export const MAX_ALL_SUBJECTS = 200_000;

/** Why a subject was forgotten: its limit, or all limits together, had as many as they may. */
export type ForgetReason = "limit" | "process";

/**
 * Bounds the subjects that all limits of a process remember together. Beyond the bound one of the largest tables forgets
 * its least recently seen subject: a flood at one limit pushes out its own subjects, not those of a limit that has few.
 */
export class Subjects {
  readonly forgotten: Record<ForgetReason, number> = { limit: 0, process: 0 };
  readonly #most: number;
  readonly #mostEach: number;
  /** Tables by the number of bits of their size: each in the last set is at least half as large as the largest. */
  readonly #tables: Set<SubjectTable>[] = [];
  #size = 0;

  constructor({ most = MAX_ALL_SUBJECTS, mostEach = MAX_SUBJECTS } = {}) {
    this.#most = most;
    this.#mostEach = mostEach;
  }

  /** Subjects that are remembered now. */
  get size(): number {
    return this.#size;
  }

  /** Call when a table has one more subject. */
  added(table: SubjectTable): void {
    this.#size += 1;
    this.#moved(table, table.size - 1);
    if (table.size > this.#mostEach) this.#forget(table, "limit");
    else if (this.#size > this.#most) this.#forget(this.#largest() ?? table, "process");
  }

  /** Call when a table is no longer used. */
  removed(table: SubjectTable): void {
    this.#size -= table.size;
    this.#tables[bitsOf(table.size)]?.delete(table);
  }

  #forget(table: SubjectTable, reason: ForgetReason): void {
    table.forgetOldest();
    this.forgotten[reason] += 1;
    this.#size -= 1;
    this.#moved(table, table.size + 1);
  }

  #moved(table: SubjectTable, from: number): void {
    const [before, now] = [bitsOf(from), bitsOf(table.size)];
    if (before === now) return;
    this.#tables[before]?.delete(table);
    if (table.size > 0) (this.#tables[now] ??= new Set()).add(table);
  }

  /** One of the largest tables, each in turn. */
  #largest(): SubjectTable | undefined {
    const tables = this.#tables.findLast((some) => some !== undefined && some.size > 0);
    const [table] = tables ?? [];
    if (tables !== undefined && table !== undefined) {
      tables.delete(table);
      tables.add(table);
    }
    return table;
  }
}

const bitsOf = (size: number): number => 32 - Math.clz32(size);
