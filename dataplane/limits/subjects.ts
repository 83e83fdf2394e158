/** What remembers subjects: the token buckets of one limit. */
export interface SubjectTable {
  readonly size: number;
  /** Takes out the subject that was not seen for the longest time. */
  forgetOldest(): void;
}

/** Subjects that one limit remembers. */
export const MAX_SUBJECTS = 100_000;
/** Subjects that all limits of a process remember together; each takes about 300 bytes. */
export const MAX_ALL_SUBJECTS = 200_000;

/** Why a subject was forgotten: its limit, or all limits together, had as many as they may. */
export type ForgetReason = "limit" | "process";

/**
 * The subjects that the limits of a process remember, all together. Beyond the bound one of the largest tables forgets
 * its least recently seen: a flood at one limit pushes out itself, and no subject of a limit that has few.
 */
export class Subjects {
  readonly forgotten: Record<ForgetReason, number> = { limit: 0, process: 0 };
  readonly #most: number;
  readonly #mostEach: number;
  /** Tables by the number of bits of their size: those of the last one are at least half as large as any. */
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

  /** A table remembers one more. */
  added(table: SubjectTable): void {
    this.#size += 1;
    this.#moved(table, table.size - 1);
    if (table.size > this.#mostEach) this.#forget(table, "limit");
    else if (this.#size > this.#most) this.#forget(this.#largest() ?? table, "process");
  }

  /** A table is asked no more. */
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

  /** One of the largest, each in turn. */
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
