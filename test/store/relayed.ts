import type { Socket } from "node:net";
import type { Direction } from "./relay.ts";

/** After which TCP sends a lost packet again, in ms. */
const AGAIN = 200;
/** Bytes that wait in one direction before its sender waits too, as for a window. */
const WINDOW = 1_048_576;

/** What the network does to packets of one direction. */
export class Way {
  ms = 0;
  loss = 0;
  silent = false;
}

export type Ways = Readonly<Record<Exclude<Direction, "both">, Way>>;

/** What one direction of one connection carries, in its order: bytes, and their end as null. */
export class Flow {
  /** Dead for good. */
  lost = false;
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #way: Way;
  readonly #random: () => number;
  #waiting: { readonly bytes: Buffer | null; readonly due: number }[] = [];
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(from: Socket, to: Socket, way: Way, random: () => number) {
    this.#from = from;
    this.#to = to;
    this.#way = way;
    this.#random = random;
    from.on("data", (bytes: Buffer) => this.#take(bytes));
    from.on("end", () => this.#take(null));
    to.on("drain", () => this.pump());
    to.on("close", () => clearTimeout(this.#timer));
  }

  /** Delivers what is due. */
  pump(): void {
    clearTimeout(this.#timer);
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined || this.#way.silent || this.lost || this.#to.writableNeedDrain) break;
      const wait = next.due - performance.now();
      if (wait > 0) {
        this.#timer = setTimeout(() => this.pump(), Math.ceil(wait));
        break;
      }
      this.#waiting.shift();
      this.#bytes -= next.bytes?.length ?? 0;
      if (next.bytes === null) this.#to.end();
      else if (this.#to.writable) this.#to.write(next.bytes);
      else this.#from.resetAndDestroy(); // as a machine answers that knows no such connection
    }
    if (this.#bytes < WINDOW) this.#from.resume();
  }

  #take(bytes: Buffer | null): void {
    if (this.lost) return;
    const late = this.#random() < this.#way.loss ? AGAIN : 0;
    const due = performance.now() + this.#way.ms + late;
    this.#waiting.push({ bytes, due: Math.max(due, this.#waiting.at(-1)?.due ?? 0) });
    this.#bytes += bytes?.length ?? 0;
    if (this.#bytes >= WINDOW) this.#from.pause();
    this.pump();
  }
}
