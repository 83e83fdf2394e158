import { resolve } from "node:path";
import { decodeFile, type DecodedFile, type Manifest } from "./decode-file.ts";
import { manifestFiles, readText, type PathProblem } from "./files.ts";
import type { Finding } from "./place.ts";

/** All manifests that are in force now, and what is wrong with the files. */
export interface Collected {
  /** Each object once. */
  readonly manifests: readonly Manifest[];
  readonly findings: readonly Finding[];
  readonly ignored: readonly Finding[];
}

interface KnownFile {
  readonly text: string | undefined;
  readonly read: DecodedFile;
  /** The newest reading without a mistake. */
  readonly good: DecodedFile | undefined;
}

const NOTHING: DecodedFile = { manifests: [], findings: [], ignored: [] };

/**
 * The manifests of files and folders, read again and again. A file that cannot be read or decoded any more keeps its
 * last good objects, and so does a path that is gone; a file that is gone from its folder takes its objects away.
 */
export class Workspace {
  readonly #paths: readonly string[];
  readonly #listed = new Map<string, readonly string[]>();
  #files = new Map<string, KnownFile>();

  constructor(paths: readonly string[]) {
    this.#paths = paths;
  }

  async read(): Promise<Collected> {
    const findings: Finding[] = [];
    const files = new Map<string, KnownFile>();
    for (const path of this.#paths) {
      const listed = await this.#list(path, findings);
      for (const file of listed.files) {
        const id = resolve(file);
        const before = this.#files.get(id);
        if (listed.gone && before !== undefined) files.set(id, before);
        else if (!files.has(id)) files.set(id, readAgain(file, await readText(file), before));
      }
    }
    this.#files = files;
    const read = [...files.values()].map((file) => inForce(file));
    const { manifests, findings: twice } = eachOnce(read.flatMap((file) => file.manifests));
    return {
      manifests,
      findings: [...findings, ...read.flatMap((file) => file.findings), ...twice],
      ignored: read.flatMap((file) => file.ignored),
    };
  }

  async #list(path: string, findings: Finding[]): Promise<{ files: readonly string[]; gone: boolean }> {
    const files = await manifestFiles(path);
    if ("problem" in files) {
      const known = this.#listed.get(path);
      findings.push({ file: path, message: known === undefined ? files.problem : `${files.problem}; ${KEPT}` });
      return { files: known ?? [], gone: true };
    }
    if (files.length === 0) findings.push({ file: path, message: "holds no .yaml, .yml or .json file" });
    this.#listed.set(path, files);
    return { files, gone: false };
  }
}

const KEPT = "what it held stays in force";

/** One reading, of a text instead of files. */
export function collect(file: string, text: string | PathProblem): Collected {
  const read = readAgain(file, text, undefined).read;
  const { manifests, findings } = eachOnce(read.manifests);
  return { manifests, findings: [...read.findings, ...findings], ignored: read.ignored };
}

function readAgain(file: string, text: string | PathProblem, before: KnownFile | undefined): KnownFile {
  if (typeof text !== "string") {
    const message = before?.good === undefined ? text.problem : `${text.problem}; ${KEPT}`;
    return { text: undefined, read: { ...NOTHING, findings: [{ file, message }] }, good: before?.good };
  }
  if (before?.text === text) return before;
  const read = decodeFile(file, text);
  return { text, read, good: read.findings.length === 0 ? read : before?.good };
}

/** The newest mistakes with the last good objects; where there never were any, whatever could be read. */
function inForce({ read, good }: KnownFile): DecodedFile {
  return { ...read, manifests: (good ?? read).manifests };
}

/** Of an object that stands twice the first counts. */
function eachOnce(all: readonly Manifest[]): { manifests: Manifest[]; findings: Finding[] } {
  const first = new Map<string, Manifest>();
  const findings: Finding[] = [];
  for (const manifest of all) {
    const { id, place } = manifest;
    const known = first.get(id);
    if (known === undefined) {
      first.set(id, manifest);
      continue;
    }
    const where = `${known.place.file}:${known.place.line("")}, document ${known.place.document}`;
    const message = `stands twice: it is in ${where} already, and that one counts; remove one of them`;
    findings.push({ file: place.file, document: place.document, line: place.line(""), object: id, message });
  }
  return { manifests: [...first.values()], findings };
}
