import { constants } from "node:fs";
import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** Largest file that is read, in bytes. */
export const LARGEST_FILE = 16 * 1024 * 1024;

const MANIFEST = /^[^.].*\.(ya?ml|json)$/;

/** What is wrong with a path, in words that follow its name. */
export interface PathProblem {
  readonly problem: string;
}

/** The manifest files of a path: the file itself, or the files of the folder; folders inside it are not read. */
export async function manifestFiles(path: string): Promise<readonly string[] | PathProblem> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const names = (await readdir(path)).filter((name) => MANIFEST.test(name)).sort();
    return names.map((name) => join(path, name));
  } catch (error) {
    return { problem: reasonOf(error) };
  }
}

/** The text of a file. A named pipe is refused at once: opening it must not wait for a writer. */
export async function readText(path: string): Promise<string | PathProblem> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const facts = await file.stat();
    if (!facts.isFile()) return { problem: "is not a regular file" };
    if (facts.size > LARGEST_FILE) return { problem: TOO_LARGE };
    return textOf(await file.readFile());
  } catch (error) {
    return { problem: reasonOf(error) };
  }
}

/** The text of a whole stream. */
export async function readStream(stream: NodeJS.ReadableStream): Promise<string | PathProblem> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > LARGEST_FILE) return { problem: TOO_LARGE };
    chunks.push(bytes);
  }
  return textOf(Buffer.concat(chunks));
}

const TOO_LARGE = `is larger than ${LARGEST_FILE / 1024 / 1024} MiB`;

function textOf(bytes: Buffer): string | PathProblem {
  if (bytes.length > LARGEST_FILE) return { problem: TOO_LARGE };
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return { problem: "is not UTF-8 text" };
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "does not exist",
  EACCES: "cannot be read: permission denied",
  EPERM: "cannot be read: permission denied",
  EISDIR: "is a folder inside a folder, and those are not read",
  ELOOP: "is a link that leads to itself",
};

function reasonOf(error: unknown): string {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return REASONS[code] ?? `cannot be read: ${message}`;
}
