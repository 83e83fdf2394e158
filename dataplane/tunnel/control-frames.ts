import { randomBytes } from "node:crypto";
import { CLOSE, PING } from "./frames.ts";

/** Control frames of our own (RFC 6455 §5.5): unmasked towards the client, masked towards the backend. */

/** A Close frame with code and text. */
export function closeFrame(code: number, text: string, masked: boolean): Buffer {
  const payload = Buffer.alloc(2 + Buffer.byteLength(text));
  payload.writeUInt16BE(code, 0);
  payload.write(text, 2);
  return controlFrame(CLOSE, payload, masked);
}

/** A Ping frame to the client. */
export function pingFrame(payload: Buffer): Buffer {
  return controlFrame(PING, payload, false);
}

function controlFrame(opcode: number, payload: Buffer, masked: boolean): Buffer {
  const frame = Buffer.alloc(2 + (masked ? 4 : 0) + payload.length);
  frame[0] = 0x80 | opcode;
  frame[1] = (masked ? 0x80 : 0) | payload.length;
  if (masked) randomBytes(4).copy(frame, 2);
  const start = frame.length - payload.length;
  for (let at = 0; at < payload.length; at += 1) {
    const key = masked ? (frame[2 + (at & 3)] ?? 0) : 0;
    frame[start + at] = (payload[at] ?? 0) ^ key;
  }
  return frame;
}

/** A byte of a control frame's payload, unmasked; `at` counts from the start of the payload. */
export function payloadByte(frame: Buffer, at: number): number {
  const masked = ((frame[1] ?? 0) & 0x80) !== 0;
  const byte = frame[(masked ? 6 : 2) + at] ?? 0;
  return masked ? byte ^ (frame[2 + (at & 3)] ?? 0) : byte;
}

/** The code of a Close frame: 1005 where it has no payload, NaN where it may not stand on the wire (RFC 6455 §7.4). */
export function closeCode(frame: Buffer): number {
  const length = (frame[1] ?? 0) & 0x7f;
  if (length === 0) return 1005;
  if (length === 1) return Number.NaN;
  const code = payloadByte(frame, 0) * 256 + payloadByte(frame, 1);
  const registered = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
  return registered || (code >= 3000 && code <= 4999) ? code : Number.NaN;
}
