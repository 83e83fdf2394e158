/** Opcodes of RFC 6455 §5.2. */
export const CONTINUATION = 0x0;
export const TEXT = 0x1;
export const BINARY = 0x2;
export const CLOSE = 0x8;
export const PING = 0x9;
export const PONG = 0xa;

/** Longest control frame with its header. */
export const MAX_CONTROL = 6 + 125;

/** A frame header as it was read last: one object for a whole stream, so that reading one costs no allocation. */
export class FrameHeader {
  fin = false;
  rsv1 = false;
  /** RSV2 or RSV3: no extension that the gateway lets pass uses them. */
  reserved = false;
  opcode = 0;
  masked = false;
  /** Payload length; beyond 2^53 only its order of magnitude is kept. */
  length = 0;
  /** Bytes of the header itself. */
  size = 0;
  /** The length is not in its shortest form, or its top bit is set (RFC 6455 §5.2). */
  malformed = false;

  get control(): boolean {
    return this.opcode >= 8;
  }

  /** Reads the header at `at`; false, with nothing changed, if it is not complete before `end`. */
  read(bytes: Buffer, at: number, end: number): boolean {
    const size = headerSize(bytes, at, end);
    if (size === 0 || at + size > end) return false;
    const first = bytes[at] ?? 0;
    const second = bytes[at + 1] ?? 0;
    this.fin = (first & 0x80) !== 0;
    this.rsv1 = (first & 0x40) !== 0;
    this.reserved = (first & 0x30) !== 0;
    this.opcode = first & 0x0f;
    this.masked = (second & 0x80) !== 0;
    this.size = size;
    const short = second & 0x7f;
    this.malformed = false;
    if (short < 126) this.length = short;
    else if (short === 126) {
      this.length = bytes.readUInt16BE(at + 2);
      this.malformed = this.length < 126;
    } else {
      const high = bytes.readUInt32BE(at + 2);
      this.length = high * 4_294_967_296 + bytes.readUInt32BE(at + 6);
      this.malformed = high >= 0x80000000 || this.length < 65_536;
    }
    return true;
  }
}

/** Size of the header at `at`; 0 if not even its first two bytes are there. */
function headerSize(bytes: Buffer, at: number, end: number): number {
  if (end - at < 2) return 0;
  const second = bytes[at + 1] ?? 0;
  const short = second & 0x7f;
  return 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + (second >= 0x80 ? 4 : 0);
}

/**
 * Bytes that must be there before anything can be decided on the frame at `at`: its header, or all of a control frame.
 * Grows as more of the header is seen.
 */
export function needed(bytes: Buffer, at: number, end: number): number {
  const size = headerSize(bytes, at, end);
  if (size === 0) return 2;
  const first = bytes[at] ?? 0;
  const length = (bytes[at + 1] ?? 0) & 0x7f;
  // A control frame that claims an extended length is broken: its header is enough to say so.
  return (first & 0x0f) >= 8 && length < 126 ? size + length : size;
}
