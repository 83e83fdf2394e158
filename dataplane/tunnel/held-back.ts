import type { Clock, Timer } from "../../runtime/clock.ts";
import type { ByteSource } from "./byte-source.ts";
import type { LoopShare } from "../../runtime/loop/loop-share.ts";

/** After a read of so many bytes the socket probably has more to read in this turn of the event loop. */
export const BULK = 16_384;

/** Pauses the source of a flow for a time, for a limit or for the turn of other flows, and keeps the bytes that wait. */
export class HeldBack {
  readonly #source: ByteSource;
  readonly #clock: Clock;
  readonly #loop: LoopShare;
  readonly #counter: { holding(bytes: number): void };
  readonly #over: () => void;
  #bytes: Buffer | undefined;
  /** The memory that `#bytes` is a part of; nothing else is in it. */
  #memory: Buffer | undefined;
  #timer: Timer | undefined;
  /** How often a limit has paused the source. */
  pauses = 0;

  /** `counter` counts the memory in use; `over` is called when a pause is over, and resumes the source. */
  constructor(
    source: ByteSource,
    clock: Clock,
    loop: LoopShare,
    counter: { holding(bytes: number): void },
    over: () => void,
  ) {
    this.#source = source;
    this.#clock = clock;
    this.#loop = loop;
    this.#counter = counter;
    this.#over = over;
  }

  get length(): number {
    return this.#bytes?.length ?? 0;
  }

  /** Bytes wait here. */
  get any(): boolean {
    return this.#bytes !== undefined;
  }

  /** Adds a copy behind the bytes that wait. Bytes that come back from `take` are not copied while they fill half of their memory. */
  add(rest: Buffer): void {
    const memory = this.#memory;
    const ours = memory !== undefined && rest.buffer === memory.buffer && 2 * rest.length >= memory.length;
    if (this.#bytes === undefined && ours) this.#bytes = rest;
    else this.#memory = this.#bytes = this.#bytes === undefined ? copyOf(rest) : Buffer.concat([this.#bytes, rest]);
    this.#count();
  }

  /** Takes all bytes out. */
  take(): Buffer | undefined {
    const bytes = this.#bytes;
    if (bytes === undefined) return undefined;
    this.#bytes = undefined;
    this.#count();
    return bytes;
  }

  /** All that was taken out has been forwarded, or has come back. */
  used(): void {
    if (this.#bytes === undefined) this.#memory = undefined;
  }

  /** The source is paused for a time. */
  get pausing(): boolean {
    return this.#timer !== undefined;
  }

  /** Pauses the source for so many ms, which replace an earlier pause; `rest` waits here meanwhile. */
  pause(ms: number, rest?: Buffer): void {
    this.pauses += 1;
    this.#until((over) => this.#clock.after(ms, over), rest);
  }

  /** Pauses the source until an answer is there, in a later turn; `rest` waits here meanwhile. */
  ask(question: (answered: () => void) => Timer, rest: Buffer): void {
    this.pauses += 1;
    this.#until(question, rest);
  }

  /** Messages have had their share of this turn of the event loop. */
  get mustGiveWay(): boolean {
    return this.#loop.spent;
  }

  /** Pauses the source until its next turn of the event loop; `rest` waits here meanwhile. */
  giveWay(rest?: Buffer): void {
    this.#until((over) => this.#loop.next(over), rest);
  }

  /** Called after a read of so many bytes: gives way after a large one, if it must. */
  haveRead(bytes: number): void {
    if (bytes >= BULK && !this.pausing && this.mustGiveWay) this.giveWay();
  }

  /** Ends the pause; the caller resumes the source. */
  unpause(): void {
    if (this.#timer === undefined) return;
    this.#timer.cancel();
    this.#timer = undefined;
    this.#count();
  }

  #until(later: (over: () => void) => Timer, rest: Buffer | undefined): void {
    this.#source.pause();
    this.#timer?.cancel();
    this.#timer = later(() => {
      this.unpause();
      this.#over();
    });
    if (rest === undefined) this.#count();
    else this.add(rest);
  }

  #count(): void {
    const bytes = this.#bytes === undefined ? 0 : (this.#memory?.length ?? 0);
    this.#counter.holding(bytes + (this.pausing ? this.#source.ahead : 0));
  }
}

/** Memory of its own: nothing else is in it. */
function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}
