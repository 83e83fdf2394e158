import { resolve } from "node:path";
import { decodeFile, NOTHING, type DecodedFile, type ManifestDocument } from "./decode-file.ts";
import { manifestFiles, readText, type PathProblem } from "./files.ts";
import type { InjectedPods } from "./injected-pods.ts";
import type { Finding } from "./location.ts";

/** All manifests that count now, and the mistakes in the files. */
export interface Collected {
  /** Each object once. */
  readonly manifests: readonly ManifestDocument[];
  readonly findings: readonly Finding[];
  readonly ignored: readonly Finding[];
  readonly pods: readonly InjectedPods[];
}

interface KnownFile {
  readonly text: string | undefined;
  readonly read: DecodedFile;
  /** The last reading without a mistake. */
  readonly good: DecodedFile | undefined;
}

/**
 * The manifests of files and folders, read again and again. The last good objects of a file still count when the file
 * can no longer be read or decoded, or when its whole path is gone. A file that is deleted from a folder takes its
 * objects away.
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
      pods: read.flatMap((file) => file.pods),
    };
  }

  async #list(path: string, findings: Finding[]): Promise<{ files: readonly string[]; gone: boolean }> {
    const files = await manifestFiles(path);
    if ("problem" in files) {
      const known = this.#listed.get(path);
      findings.push({ file: path, message: known === undefined ? files.problem : `${files.problem}; ${STAYS}` });
      return { files: known ?? [], gone: true };
    }
    if (files.length === 0) findings.push({ file: path, message: "holds no .yaml, .yml or .json file" });
    this.#listed.set(path, files);
    return { files, gone: false };
  }
}

const STAYS = "what it held stays in force";

/** The manifests of one text instead of files. */
export function collect(file: string, text: string | PathProblem): Collected {
  const read = readAgain(file, text, undefined).read;
  const { manifests, findings } = eachOnce(read.manifests);
  return { ...read, manifests, findings: [...read.findings, ...findings] };
}

function readAgain(file: string, text: string | PathProblem, before: KnownFile | undefined): KnownFile {
  if (typeof text !== "string") {
    const message = before?.good === undefined ? text.problem : `${text.problem}; ${STAYS}`;
    return { text: undefined, read: { ...NOTHING, findings: [{ file, message }] }, good: before?.good };
  }
  if (before?.text === text) return before;
  const read = decodeFile(file, text);
  return { text, read, good: read.findings.length === 0 ? read : before?.good };
}

/** The newest mistakes with the last good objects; if there were never good ones, with the objects that could be read. */
function inForce({ read, good }: KnownFile): DecodedFile {
  return { ...read, manifests: (good ?? read).manifests };
}

/** An object that stands twice counts where it stands first. */
function eachOnce(all: readonly ManifestDocument[]): { manifests: ManifestDocument[]; findings: Finding[] } {
  const first = new Map<string, ManifestDocument>();
  const findings: Finding[] = [];
  for (const manifest of all) {
    const { id, location } = manifest;
    const known = first.get(id);
    if (known === undefined) {
      first.set(id, manifest);
      continue;
    }
    const where = `${known.location.file}:${known.location.line("")}, document ${known.location.document}`;
    const message = `stands twice: it is in ${where} already, and that one counts; remove one of them`;
    findings.push({ file: location.file, document: location.document, line: location.line(""), object: id, message });
  }
  return { manifests: [...first.values()], findings };
}
