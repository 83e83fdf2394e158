import type { Clock, Timer } from "../../runtime/clock.ts";
import type { ByteSource } from "./byte-source.ts";
import type { LoopShare } from "../../runtime/loop/loop-share.ts";

/** A read of so many bytes is not the last of its socket in a turn of the event loop, as likely as not. */
const BULK = 16_384;

/** What a limit, or other flows, hold back of a direction: its source, for a time, and bytes that wait here till then. */
export class HeldBack {
  readonly #source: ByteSource;
  readonly #clock: Clock;
  readonly #loop: LoopShare;
  readonly #counter: { holding(bytes: number): void };
  readonly #over: () => void;
  #bytes: Buffer | undefined;
  /** What `#bytes` is a part of: memory of our own. */
  #memory: Buffer | undefined;
  #timer: Timer | undefined;

  /** `counter` is told how much memory it costs; `over`: the source's time is over, and it is the callee's to resume. */
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

  /** There are bytes. */
  get any(): boolean {
    return this.#bytes !== undefined;
  }

  /** Keeps a copy behind what is there; what was taken from here and comes back is not copied while it is most of it. */
  add(rest: Buffer): void {
    const memory = this.#memory;
    const ours = memory !== undefined && rest.buffer === memory.buffer && 2 * rest.length >= memory.length;
    if (this.#bytes === undefined && ours) this.#bytes = rest;
    else this.#memory = this.#bytes = this.#bytes === undefined ? copyOf(rest) : Buffer.concat([this.#bytes, rest]);
    this.#count();
  }

  /** All of them, which are then no longer here. */
  take(): Buffer | undefined {
    const bytes = this.#bytes;
    if (bytes === undefined) return undefined;
    this.#bytes = undefined;
    this.#count();
    return bytes;
  }

  /** All that was taken has been used, or is here again. */
  used(): void {
    if (this.#bytes === undefined) this.#memory = undefined;
  }

  /** The source is paused for its time. */
  get pausing(): boolean {
    return this.#timer !== undefined;
  }

  /** Pauses the source for so many ms, and no longer for what it was paused before; `rest` waits with it. */
  pause(ms: number, rest?: Buffer): void {
    this.#until((over) => this.#clock.after(ms, over), rest);
  }

  /** The event loop has other things to do than to go on here. */
  get mustGiveWay(): boolean {
    return this.#loop.spent;
  }

  /** Pauses the source until it has its turn of the event loop; `rest` waits with it. */
  giveWay(rest?: Buffer): void {
    this.#until((over) => this.#loop.next(over), rest);
  }

  /** After so many bytes: gives way where it must. */
  haveRead(bytes: number): void {
    if (bytes >= BULK && !this.pausing && this.mustGiveWay) this.giveWay();
  }

  /** The time is over; the source is the caller's to resume. */
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
