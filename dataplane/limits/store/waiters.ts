import type { Timer } from "../../../runtime/clock.ts";

/** Messages of Shadow limits that wait for one pocket; beyond them the pod judges by itself. */
const MOST_SPENDS = 1000;

/** A flow that waits for an answer, or messages that have gone on and are counted when the answer is there. */
interface Waiter {
  readonly n: number;
  /** Messages that are counted, each of `n`. */
  times: number;
  readonly answered: (() => void) | undefined;
  readonly short: (() => void) | undefined;
  cancelled: boolean;
}

/** What waits for the answer of the store about one bucket, in order. */
export class Waiters {
  readonly #all = new Set<Waiter>();
  #last: Waiter | undefined;
  #spends = 0;

  get any(): boolean {
    return this.#all.size > 0;
  }

  /** The tokens that the first one waits for; 0: nothing waits. */
  get first(): number {
    for (const { n } of this.#all) return n;
    return 0;
  }

  /** The tokens that all wait for. */
  get sum(): number {
    let sum = 0;
    for (const { n, times } of this.#all) sum += n * times;
    return sum;
  }

  /** Each waits for one token: any number of them is of use. */
  get single(): boolean {
    for (const { n } of this.#all) if (n !== 1) return false;
    return true;
  }

  ask(n: number, answered: () => void): Timer {
    const waiter = this.#add({ n, times: 1, answered, short: undefined, cancelled: false });
    const cancel = (): void => {
      waiter.cancelled = true;
      this.#all.delete(waiter);
    };
    return { cancel };
  }

  /** False: too much waits. */
  spend(n: number, short: () => void): boolean {
    const last = this.#last;
    if (last !== undefined && last.short === short && last.n === n) {
      last.times += 1;
      return true;
    }
    if (this.#spends >= MOST_SPENDS) return false;
    this.#spends += 1;
    this.#add({ n, times: 1, answered: undefined, short, cancelled: false });
    return true;
  }

  /** The answer is there; `take` takes tokens, or says that there are too few. A waiter may wait anew at once. */
  settle(take: (n: number) => boolean): void {
    const all = [...this.#all];
    this.#all.clear();
    this.#last = undefined;
    this.#spends = 0;
    for (const { n, times, answered, short, cancelled } of all) {
      if (cancelled) continue;
      answered?.();
      if (short !== undefined) for (let time = 0; time < times; time += 1) if (!take(n)) short();
    }
  }

  #add(waiter: Waiter): Waiter {
    this.#all.add(waiter);
    this.#last = waiter;
    return waiter;
  }
}

/** What waits for a bucket for which nothing has waited yet. */
export const NOTHING_WAITS: Pick<Waiters, "first" | "sum" | "single"> = { first: 0, sum: 0, single: true };
