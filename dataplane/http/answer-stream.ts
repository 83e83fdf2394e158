import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { Spread } from "../../runtime/loop/spread.ts";

/** The other end of a request of ours sends more than any answer needs. */
export class ExcessiveAnswer extends Error {
  override readonly name = "ExcessiveAnswer";
}

/** Interim answers (1xx other than 101) before the answer itself. */
const MAX_INTERIM = 8;
/** Bytes up to the end of the answer's head, interim answers included. */
const MAX_BEFORE_ANSWER = 65_536;
/** Bytes that the parser gets in one turn of the loop: it makes a millisecond's work of them at the worst. */
const SLICE = 2048;

const NOTHING = Buffer.alloc(0);
const CR = 13;
const LF = 10;

/**
 * A socket as Node's HTTP client gets it to ask a question over. The client's parser works through all that it is given,
 * and cannot be stopped in between: a read of 64 KiB holds thousands of interim answers or chunks, and each costs a call.
 * So it gets small pieces, head by head until the answer has begun, each in its turn among those of other answers, since
 * hundreds may come at once; beyond the bounds the stream fails with ExcessiveAnswer. Call `answered` when the client has
 * emitted the answer's head.
 */
export class AnswerStream extends Duplex {
  readonly #socket: Socket;
  readonly #maxBody: number;
  readonly #turns: Pick<Spread, "run">;
  /** Bytes that have come and that the parser has not got yet. */
  #waiting: Buffer = NOTHING;
  /** Bytes that the parser got: before the answer, then behind its head. */
  #given = 0;
  #heads = 0;
  /** How much of the empty line that ends a head the parser got last: 4 is all of it. */
  #ending = 0;
  #answered = false;
  #reading = false;
  #detached = false;
  #full = false;
  /** Waits for the loop's next turn, or for its own. */
  #waitsForTurn = false;
  /** Ends the stream, once the parser has got all that came before the end of the connection. */
  #finish: (() => void) | undefined;

  /** `maxBody`: bytes behind the answer's head, as they stand on the wire; `turns`: of all that are asked here. */
  constructor(socket: Socket, maxBody: number, turns: Pick<Spread, "run">) {
    super();
    this.#socket = socket;
    this.#maxBody = maxBody;
    this.#turns = turns;
    this.on("error", () => {}); // the client's own listener goes away with its answer
    socket.on("error", this.#failed).on("end", this.#ended).on("close", this.#closed);
  }

  /** The client has emitted the answer's head: to be called in that very event. */
  answered(): void {
    this.#answered = true;
    this.#given = 0;
  }

  /** Gives up the socket, which is paused; returns the bytes that have come and that the parser has not got. */
  detach(): Buffer {
    this.#detached = true;
    this.#socket.off("data", this.#came).off("error", this.#failed).off("end", this.#ended).off("close", this.#closed);
    this.#socket.pause();
    const rest = this.#waiting;
    this.#waiting = NOTHING;
    return rest;
  }

  override _read(): void {
    this.#full = false;
    if (this.#detached) return;
    if (!this.#reading) {
      // Not earlier: all that comes before there is a parser would reach it at once.
      this.#reading = true;
      this.#socket.on("data", this.#came).resume();
    } else if (this.#waiting.length > 0) this.#continue();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  /** The client has read the answer, and asks no more. */
  override _final(done: () => void): void {
    this.#socket.destroySoon();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#detached) {
      this.detach();
      this.#socket.on("error", () => {}).destroy();
    }
    done(error);
  }

  readonly #came = (chunk: Buffer): void => {
    this.#waiting = this.#waiting.length === 0 ? chunk : Buffer.concat([this.#waiting, chunk]);
    if (this.#waitsForTurn || this.#full) return;
    this.#takeTurn();
    if (this.#waitsForTurn) this.#socket.pause();
  };

  readonly #failed = (error: Error): void => this.#over(() => this.destroy(error));
  readonly #ended = (): void => this.#over(() => void this.push(null));
  readonly #closed = (): void => this.#over(() => this.destroy());

  #over(finish: () => void): void {
    this.#finish ??= finish;
    if (this.#waiting.length === 0) this.#finish();
  }

  /** The parser gets its pieces of this turn. */
  #feed(): void {
    for (let left = SLICE; left > 0 && this.#waiting.length > 0 && !this.#full;) {
      const length = this.#pieceLength(left);
      const piece = this.#waiting.subarray(0, length);
      this.#waiting = this.#waiting.subarray(length);
      left -= length;
      this.#given += length;
      if (this.#given > (this.#answered ? this.#maxBody : MAX_BEFORE_ANSWER)) return this.#exceeded("too many bytes");
      this.#full = !this.push(piece);
      if (this.#detached) return;
      if (this.#ending === 4 && !this.#answered) {
        this.#heads += 1;
        if (this.#heads > MAX_INTERIM) return this.#exceeded("too many interim answers");
      }
    }
    if (this.#waiting.length > 0) {
      this.#socket.pause();
      if (!this.#full) this.#continue();
    } else if (this.#finish === undefined) this.#socket.resume();
    else this.#finish();
  }

  #continue(): void {
    if (this.#waitsForTurn) return;
    this.#waitsForTurn = true;
    setImmediate(() => this.#takeTurn());
  }

  #takeTurn(): void {
    this.#waitsForTurn = true;
    this.#turns.run(() => {
      this.#waitsForTurn = false;
      if (!this.#detached) this.#feed();
    });
  }

  /** Up to the end of a head, as long as heads are counted. */
  #pieceLength(most: number): number {
    const end = Math.min(most, this.#waiting.length);
    if (this.#answered) return end;
    if (this.#ending === 4) this.#ending = 0;
    for (let at = 0; at < end; at += 1) {
      const byte = this.#waiting[at];
      if (byte === CR) this.#ending = this.#ending === 2 ? 3 : 1;
      else if (byte === LF && (this.#ending === 1 || this.#ending === 3)) this.#ending += 1;
      else this.#ending = 0;
      if (this.#ending === 4) return at + 1;
    }
    return end;
  }

  #exceeded(what: string): void {
    this.destroy(new ExcessiveAnswer(what));
  }
}
