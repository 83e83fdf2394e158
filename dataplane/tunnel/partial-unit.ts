import { MAX_CONTROL, needed } from "./frames.ts";

/** A frame header, or a whole control frame, of which only a part has come: collects it until something can be decided. */
export class PartialUnit {
  #bytes: Buffer | undefined;
  length = 0;

  /** Begins with what has come of it. */
  begin(part: Buffer): void {
    this.#bytes ??= Buffer.allocUnsafeSlow(MAX_CONTROL);
    this.length = part.copy(this.#bytes, 0);
  }

  /** Takes of the chunk what is missing; where the rest of the chunk begins. */
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

  /** The unit once it is whole, and then no longer here. */
  take(): Buffer | undefined {
    const bytes = this.#bytes;
    if (bytes === undefined || this.length === 0 || this.#missing(bytes) > 0) return undefined;
    const unit = Buffer.from(bytes.subarray(0, this.length));
    this.length = 0;
    return unit;
  }

  forget(): void {
    this.length = 0;
  }

  #missing(bytes: Buffer): number {
    return needed(bytes, 0, this.length) - this.length;
  }
}
