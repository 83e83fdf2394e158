import { LinkedList, type Link } from "./linked-list.ts";
import type { Newcomer, Subject } from "./newcomer.ts";

/** Sockets that are read at the same time before their head is complete. */
const MOST = 4096;
/** The share of the descriptors for sockets that they may have: the rest is for sessions, and for sockets that wait unread. */
const SHARE = 0.5;
/**
 * An address may have one slot for this many that are free, so 1,024 where it is alone. The more addresses want many,
 * the fewer each gets, and some are always free for an address that has none.
 */
const FREE_FOR_EACH = 3;

/** The slots of sockets that are read: how many there are, and which address may have one more. */
export class ReadingSlots {
  /** All that were read for a whole poll of the loop and sent nothing; the one that has been read for longest first. */
  readonly silent = new LinkedList<Newcomer>();
  readonly #subjects = new Map<string, Subject>();
  readonly #most: number;
  #taken = 0;

  /** `descriptors`: those that there are for sockets. */
  constructor(descriptors: number) {
    this.#most = Math.min(MOST, Math.max(1, Math.floor(SHARE * descriptors)));
  }

  get taken(): number {
    return this.#taken;
  }

  /** The subject of an address; without one, a subject of its own. */
  subject(key: string | undefined): Subject {
    const known = key === undefined ? undefined : this.#subjects.get(key);
    if (known !== undefined) return known;
    const subject: Subject = {
      key,
      slots: 0,
      silent: new LinkedList(),
      waiting: new LinkedList(),
      turn: undefined,
      hellos: { waiting: new LinkedList(), turn: undefined },
    };
    if (key !== undefined) this.#subjects.set(key, subject);
    return subject;
  }

  /** Is there a slot for one more of it? */
  has({ key, slots }: Subject): boolean {
    const free = this.#most - this.#taken;
    return free > 0 && (key === undefined || slots * FREE_FOR_EACH < free);
  }

  /** The one that has sent nothing for longest, of those that this subject may take the slot of. */
  rival(subject: Subject): Newcomer | undefined {
    const full = this.#taken >= this.#most;
    return full && subject.slots === 0 ? this.silent.first : subject.silent.first;
  }

  enter(subject: Subject): void {
    subject.slots += 1;
    this.#taken += 1;
  }

  leave(subject: Subject): void {
    subject.slots -= 1;
    this.#taken -= 1;
  }

  wasSilent(entry: Newcomer): readonly [Link<Newcomer>, Link<Newcomer>] {
    return [this.silent.push(entry), entry.subject.silent.push(entry)];
  }

  heard(subject: Subject, [ofAll, ofSubject]: readonly [Link<Newcomer>, Link<Newcomer>]): void {
    this.silent.remove(ofAll);
    subject.silent.remove(ofSubject);
  }

  /** Forgets an address that has no socket left. */
  forget({ key, slots, waiting }: Subject): void {
    if (key !== undefined && slots === 0 && waiting.size === 0) this.#subjects.delete(key);
  }
}
