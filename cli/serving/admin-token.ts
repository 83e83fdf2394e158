import { randomBytes } from "node:crypto";
import { open, type FileHandle } from "node:fs/promises";
import { fileFault, type FileFault } from "./file-fault.ts";

/** The admin token of a file, or why there is none; `problem` never quotes the content of the file. */
export type TokenRead =
  | { readonly token: string }
  | { readonly token: undefined; readonly fault: FileFault["fault"] | "malformed"; readonly problem: string };

/** Characters of a token: a shorter one could be guessed. */
const SHORTEST_TOKEN = 16;
const LONGEST_TOKEN = 512;
/** Bytes of the file that are read: room for the longest token with white space around it. */
const MOST_BYTES = 1024;

/** A new token: 256 random bits in base64url. */
export function newAdminToken(): string {
  return randomBytes(32).toString("base64url");
}

/** Reads the token of a file, without the white space around it. Never rejects. */
export async function readAdminToken(file: string): Promise<TokenRead> {
  const bytes = await beginningOf(file).catch((error: unknown) => fileFault(file, error));
  if ("problem" in bytes) return { token: undefined, ...bytes };
  const token = bytes.toString("latin1").trim();
  const fits =
    bytes.length < MOST_BYTES &&
    token.length >= SHORTEST_TOKEN &&
    token.length <= LONGEST_TOKEN &&
    /^[!-~]*$/.test(token);
  const form = `${SHORTEST_TOKEN} to ${LONGEST_TOKEN} visible ASCII characters on one line, without blanks`;
  return fits ? { token } : { token: undefined, fault: "malformed", problem: `${file} holds no token: write ${form}` };
}

async function beginningOf(file: string): Promise<Buffer> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file);
    const buffer = Buffer.alloc(MOST_BYTES);
    let length = 0;
    for (let read = -1; read !== 0 && length < MOST_BYTES; length += read) {
      ({ bytesRead: read } = await handle.read(buffer, length, MOST_BYTES - length));
    }
    return buffer.subarray(0, length);
  } finally {
    await handle?.close();
  }
}
