import type { Clock, Timer } from "../../runtime/clock.ts";

/** Bounds of a line. */
export interface LineBounds {
  /** Turns that are held at the same time. */
  readonly atOnce: number;
  /** Turns that one subject may always hold. */
  readonly share: number;
  /** While no more turns than this are held in all, a subject may hold more than its share: so none stays unused. */
  readonly unshared: number;
  /** Those that wait, of all subjects. */
  readonly waiting: number;
  /** Those that wait, of one subject. */
  readonly waitingEach: number;
  /** Longest wait, in ms. */
  readonly patience: number;
}

/** Why there is no turn. */
export type NoTurn = "TooManyWaiting" | "WaitedTooLong" | "Left";

/** Gives a turn back. */
type GiveBack = () => void;

interface Waiter {
  readonly settle: (outcome: GiveBack | NoTurn) => void;
}

/**
 * Deals a bounded number of turns out to subjects in rotation, however many of its own each one has waiting: a crowd of
 * one subject waits for itself, and no longer than the bounds say.
 */
export class FairLine {
  readonly #bounds: LineBounds;
  readonly #clock: Clock;
  readonly #held = new Map<string, number>();
  /** In the order in which the subjects have their turns. */
  readonly #lines = new Map<string, Waiter[]>();
  #underWay = 0;
  #waiting = 0;

  constructor(bounds: LineBounds, clock: Clock) {
    this.#bounds = bounds;
    this.#clock = clock;
  }

  /** Those that wait. */
  get waiting(): number {
    return this.#waiting;
  }

  /** A turn, at once where there is one: call what comes when it is over. `signal` aborts when the turn is not wanted any more. */
  enter(subject: string, signal: AbortSignal): GiveBack | NoTurn | Promise<GiveBack | NoTurn> {
    if (signal.aborted) return "Left";
    if (this.#mayGo(subject)) return this.#go(subject);
    return this.#makeRoom(subject) ? this.#wait(subject, signal) : "TooManyWaiting";
  }

  #mayGo(subject: string): boolean {
    const { atOnce, share, unshared } = this.#bounds;
    if (this.#underWay >= atOnce) return false;
    return this.#underWay < unshared || (this.#held.get(subject) ?? 0) < share;
  }

  #go(subject: string): GiveBack {
    this.#underWay += 1;
    this.#held.set(subject, (this.#held.get(subject) ?? 0) + 1);
    return () => {
      this.#underWay -= 1;
      const left = (this.#held.get(subject) ?? 0) - 1;
      if (left > 0) this.#held.set(subject, left);
      else this.#held.delete(subject);
      this.#next();
    };
  }

  /** Hands the turn to the first subject in rotation that may have one; it waits behind the others for its next. */
  #next(): void {
    for (const [subject, line] of this.#lines) {
      if (!this.#mayGo(subject)) continue;
      const [first] = line;
      if (first === undefined) continue;
      this.#lines.delete(subject);
      this.#lines.set(subject, line);
      return first.settle(this.#go(subject));
    }
  }

  /** Where the line is full, the newest waiter of the subject with the most is lost: that may be the one that comes now. */
  #makeRoom(subject: string): boolean {
    const own = this.#lines.get(subject)?.length ?? 0;
    if (own >= this.#bounds.waitingEach) return false;
    if (this.#waiting < this.#bounds.waiting) return true;
    let longest: Waiter[] = [];
    for (const line of this.#lines.values()) if (line.length > longest.length) longest = line;
    if (longest.length <= own + 1) return false;
    longest.at(-1)?.settle("TooManyWaiting");
    return true;
  }

  #wait(subject: string, signal: AbortSignal): Promise<GiveBack | NoTurn> {
    return new Promise((resolve) => {
      const leave = (): void => waiter.settle("Left");
      const timer: Timer = this.#clock.after(this.#bounds.patience, () => waiter.settle("WaitedTooLong"));
      const waiter: Waiter = {
        settle: (outcome) => {
          timer.cancel();
          signal.removeEventListener("abort", leave);
          this.#drop(subject, waiter);
          resolve(outcome);
        },
      };
      signal.addEventListener("abort", leave, { once: true });
      const line = this.#lines.get(subject) ?? [];
      line.push(waiter);
      this.#lines.set(subject, line);
      this.#waiting += 1;
    });
  }

  #drop(subject: string, waiter: Waiter): void {
    const line = this.#lines.get(subject) ?? [];
    line.splice(line.indexOf(waiter), 1);
    if (line.length === 0) this.#lines.delete(subject);
    this.#waiting -= 1;
  }
}
