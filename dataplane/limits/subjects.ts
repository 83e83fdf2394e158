/** A table of subjects: the token buckets of one limit. */
export interface SubjectTable {
  readonly size: number;
  /** The room that one subject takes; 1: that of a token bucket of this process. */
  readonly room: number;
  /** Deletes the subject that was least recently seen. */
  forgetOldest(): void;
}

/** Subjects that one limit remembers, where each takes the room of one. */
export const MAX_SUBJECTS = 100_000;
/** The same of all limits of a process together; the room of one is about 300 bytes. */
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
  /** Tables by the number of bits of the room that they take: each in the last set is at least half as large as the largest. */
  readonly #tables: Set<SubjectTable>[] = [];
  #size = 0;
  #room = 0;

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
    this.#room += table.room;
    this.#moved(table, roomOf(table) - table.room);
    if (roomOf(table) > this.#mostEach) this.#forget(table, "limit");
    while (this.#room > this.#most) this.#forget(this.#largest() ?? table, "process");
  }

  /** Call when a table is no longer used. */
  removed(table: SubjectTable): void {
    this.#size -= table.size;
    this.#room -= roomOf(table);
    this.#tables[bitsOf(roomOf(table))]?.delete(table);
  }

  #forget(table: SubjectTable, reason: ForgetReason): void {
    table.forgetOldest();
    this.forgotten[reason] += 1;
    this.#size -= 1;
    this.#room -= table.room;
    this.#moved(table, roomOf(table) + table.room);
  }

  #moved(table: SubjectTable, from: number): void {
    const [before, now] = [bitsOf(from), bitsOf(roomOf(table))];
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

const roomOf = ({ size, room }: SubjectTable): number => size * room;
const bitsOf = (size: number): number => 32 - Math.clz32(size);
