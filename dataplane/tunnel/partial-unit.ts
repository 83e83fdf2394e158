import { MAX_CONTROL, needed } from "./frames.ts";

/** Collects a frame header, or a whole control frame, that comes in parts, until the frame can be judged. */
export class PartialUnit {
  #bytes: Buffer | undefined;
  length = 0;

  /** Begins with the part that has come. */
  begin(part: Buffer): void {
    this.#bytes ??= Buffer.allocUnsafeSlow(MAX_CONTROL);
    this.length = part.copy(this.#bytes, 0);
  }

  /** Takes the missing bytes from the chunk. Returns where the rest of the chunk begins. */
  fill(chunk: Buffer, from: number): number {
    const bytes = this.#bytes;
    if (bytes === undefined) return from;
    let at = from;
    for (let missing = this.#missing(bytes); missing > 0 && at < chunk.length; missing = this.#missing(bytes)) {
      const taken = chunk.copy(bytes, this.length, at, Math.min(chunk.length, at + missing));
      at += taken;
      this.length += taken;
    }
    return at;
  }

  /** Takes the unit out; undefined until it is whole. */
  take(): Buffer | undefined {
    const bytes = this.#bytes;
    if (bytes === undefined || this.length === 0 || this.#missing(bytes) > 0) return undefined;
    const unit = Buffer.from(bytes.subarray(0, this.length));
    this.length = 0;
    return unit;
  }

  /** Gives up the part that has come, and returns it. */
  leave(): Buffer {
    const part = Buffer.from(this.#bytes?.subarray(0, this.length) ?? []);
    this.length = 0;
    return part;
  }

  #missing(bytes: Buffer): number {
    return needed(bytes, 0, this.length) - this.length;
  }
}
