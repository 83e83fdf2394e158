/** Frames as bytes, written independently of the product (RFC 6455 §5.2). */

export interface FrameParts {
  readonly opcode?: number;
  readonly fin?: boolean;
  readonly rsv?: number;
  readonly mask?: boolean;
  readonly payload?: Buffer | string;
  /** What the header claims, where that differs from the payload that follows. */
  readonly length?: number;
  /** 7, 16 or 64: the form of the length, where it is not the shortest. */
  readonly form?: 7 | 16 | 64;
}

const KEY = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

export function frame({
  opcode = 1,
  fin = true,
  rsv = 0,
  mask = false,
  payload = "",
  length,
  form,
}: FrameParts): Buffer {
  const data = Buffer.from(payload);
  const size = length ?? data.length;
  const kind = form ?? (size < 126 ? 7 : size < 65_536 ? 16 : 64);
  const head = [(fin ? 0x80 : 0) | (rsv << 4) | opcode];
  const masked = mask ? 0x80 : 0;
  const extended = Buffer.alloc(kind === 7 ? 0 : kind === 16 ? 2 : 8);
  if (kind === 16) extended.writeUInt16BE(size);
  if (kind === 64) extended.writeBigUInt64BE(BigInt(size));
  head.push(masked | (kind === 7 ? size : kind === 16 ? 126 : 127));
  if (!mask) return Buffer.concat([Buffer.from(head), extended, data]);
  return Buffer.concat([Buffer.from(head), extended, KEY, data.map((byte, at) => byte ^ (KEY[at & 3] ?? 0))]);
}

export const text = (payload: string, mask = false): Buffer => frame({ opcode: 1, payload, mask });
export const binary = (payload: Buffer, mask = false): Buffer => frame({ opcode: 2, payload, mask });

/** A Close frame; no payload without a code. */
export function close(code?: number, reason = "", mask = false): Buffer {
  if (code === undefined) return frame({ opcode: 8, mask });
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code);
  payload.write(reason, 2);
  return frame({ opcode: 8, mask, payload });
}

export interface ReadFrame {
  readonly opcode: number;
  readonly fin: boolean;
  readonly rsv: number;
  readonly masked: boolean;
  readonly payload: Buffer;
}

/** The complete frames in a stream, and the bytes after them. */
export function parse(bytes: Buffer): { frames: ReadFrame[]; rest: Buffer } {
  const frames: ReadFrame[] = [];
  let at = 0;
  for (;;) {
    if (bytes.length - at < 2) break;
    const [first = 0, second = 0] = bytes.subarray(at, at + 2);
    let size = second & 0x7f;
    let start = at + 2;
    if (size === 126) {
      if (bytes.length < start + 2) break;
      size = bytes.readUInt16BE(start);
      start += 2;
    } else if (size === 127) {
      if (bytes.length < start + 8) break;
      size = Number(bytes.readBigUInt64BE(start));
      start += 8;
    }
    const masked = second >= 0x80;
    const key = masked ? bytes.subarray(start, start + 4) : Buffer.alloc(4);
    start += masked ? 4 : 0;
    if (bytes.length < start + size) break;
    const payload = Buffer.from(bytes.subarray(start, start + size)).map((byte, index) => byte ^ (key[index & 3] ?? 0));
    frames.push({
      opcode: first & 15,
      fin: first >= 0x80,
      rsv: (first >> 4) & 7,
      masked,
      payload: Buffer.from(payload),
    });
    at = start + size;
  }
  return { frames, rest: bytes.subarray(at) };
}

/** Does a Close frame stand in a stream of frames? Walks the headers only, so that it may be asked often. */
export function holdsClose(bytes: Buffer): boolean {
  for (let at = 0; at + 2 <= bytes.length;) {
    const [first = 0, second = 0] = bytes.subarray(at, at + 2);
    const short = second & 0x7f;
    const start = at + 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + (second >= 0x80 ? 4 : 0);
    if (start > bytes.length) return false;
    const size =
      short === 126 ? bytes.readUInt16BE(at + 2) : short === 127 ? Number(bytes.readBigUInt64BE(at + 2)) : short;
    at = start + size;
    if ((first & 15) === 8) return at <= bytes.length;
  }
  return false;
}

/** Code and text of a Close frame. */
export function closeOf({ payload }: ReadFrame): { code: number; reason: string } {
  return { code: payload.length < 2 ? 1005 : payload.readUInt16BE(0), reason: payload.toString("utf8", 2) };
}
