import type { LoopShare } from "../../runtime/loop/loop-share.ts";
import type { Timer } from "../../runtime/clock.ts";
import type { ByteSource } from "./byte-source.ts";
import { closeCode } from "./control-frames.ts";
import { CLOSE, FrameHeader, needed } from "./frames.ts";
import { BULK } from "./held-back.ts";
import { PartialUnit } from "./partial-unit.ts";

/** Bytes that are read so that the source's Close frame and its end are seen: more than what is in flight on one connection. */
const MOST = 16_777_216;
/** Frames among these bytes that are looked at: without it many empty frames would cost much more time than the reading. */
const MOST_FRAMES = 1_000_000;

/**
 * Reads what a source sends when nothing of it is forwarded any more. Keeps no payload, and walks the frame headers, so
 * that the source's Close frame is seen. A source that breaks the protocol is read on as far as its lengths lead.
 */
export class Discard {
  readonly #source: ByteSource;
  readonly #loop: LoopShare;
  readonly #closed: (code: number) => void;
  readonly #header = new FrameHeader();
  readonly #partial = new PartialUnit();
  /** Payload of the current frame that is still to come. */
  #payload = 0;
  #spare = MOST;
  #frames = 0;
  #sawClose = false;
  #turn: Timer | undefined;

  /** `closed` is called once, when the source has sent a Close frame; NaN: it has no code that may stand on the wire. */
  constructor(source: ByteSource, loop: LoopShare, closed: (code: number) => void) {
    this.#source = source;
    this.#loop = loop;
    this.#closed = closed;
  }

  /** Begins within a frame of which so much payload is still to come. `sawClose`: the Close frame has come already. */
  begin(payload: number, sawClose: boolean): void {
    this.#payload = payload;
    this.#sawClose = sawClose;
  }

  /** Takes what was read before, and is not read again. */
  walk(bytes: Buffer): void {
    const code = this.#sawClose ? undefined : this.#findClose(bytes);
    if (code === undefined) return;
    this.#sawClose = true;
    this.#closed(code);
  }

  /** Takes what was read. A source that sends on and on is not read for ever, although its end is then not seen. */
  take(chunk: Buffer): void {
    this.#spare -= chunk.length;
    this.walk(chunk);
    if (this.#spare <= 0) this.#source.pause();
    else if (chunk.length >= BULK && this.#turn === undefined && this.#loop.spent) this.#giveWay();
  }

  /** Reads the source, unless it has had enough or other flows have their turn. */
  resume(): void {
    if (this.#spare > 0 && this.#turn === undefined) this.#source.resume();
  }

  stop(): void {
    this.#turn?.cancel();
    this.#turn = undefined;
  }

  #giveWay(): void {
    this.#source.pause();
    this.#turn = this.#loop.next(() => {
      this.#turn = undefined;
      this.resume();
    });
  }

  /** The code of the first Close frame; undefined: there is none. */
  #findClose(bytes: Buffer): number | undefined {
    let at = 0;
    while (at < bytes.length && this.#frames < MOST_FRAMES) {
      if (this.#payload > 0) {
        const there = Math.min(this.#payload, bytes.length - at);
        this.#payload -= there;
        at += there;
      } else if (this.#partial.length > 0) {
        at = this.#partial.fill(bytes, at);
        const unit = this.#partial.take();
        const code = unit === undefined ? undefined : this.#findClose(unit);
        if (code !== undefined) return code;
      } else if (bytes.length - at < needed(bytes, at, bytes.length)) {
        this.#partial.begin(bytes.subarray(at));
        return undefined;
      } else {
        this.#frames += 1;
        this.#header.read(bytes, at, bytes.length);
        if (this.#header.opcode === CLOSE) return closeCode(bytes.subarray(at));
        at += this.#header.size;
        this.#payload = this.#header.length;
      }
    }
    return undefined;
  }
}
