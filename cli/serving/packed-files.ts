import { open, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { LARGEST_TEXT, PACKED } from "../../api/meta.ts";
import { unpackAside } from "../../runtime/packed-text.ts";
import type { FolderProblem, Texts } from "./folder-texts.ts";

/** Config and endpoints as they stand in objects of the API that are mounted as files; believed only with their hashes. */
export async function packedTexts(folder: string): Promise<Texts | FolderProblem> {
  const config = await configIn(folder);
  if (config === undefined) return incomplete("the config's parts are not all of one version");
  const endpoints = await textOf(folder, [PACKED.endpoints], PACKED.endpointsHash);
  if (endpoints === undefined) return incomplete("the endpoints are not there, or not what their hash says");
  return { config, endpoints };
}

function incomplete(problem: string): FolderProblem {
  return { problem, incomplete: true };
}

async function configIn(folder: string): Promise<string | undefined> {
  const parts = Number(await short(join(folder, PACKED.configParts)));
  if (!(parts >= 1 && parts <= PACKED.mostParts)) return undefined;
  const names = Array.from({ length: parts }, (_, part) => PACKED.configPart(part));
  return textOf(folder, names, PACKED.configHash);
}

async function textOf(folder: string, parts: readonly string[], hash: string): Promise<string | undefined> {
  const expected = await short(join(folder, hash));
  const packed = await Promise.all(parts.map((part) => bytesOf(join(folder, part), PACKED.largestPart)));
  const found = packed.filter((part) => part !== undefined);
  return expected === undefined || found.length < parts.length
    ? undefined
    : await unpackAside(Buffer.concat(found), expected, LARGEST_TEXT);
}

async function short(path: string): Promise<string | undefined> {
  return (await bytesOf(path, 100))?.toString("utf8").trim();
}

/** The bytes of a file; undefined: it cannot be read, or is larger than `most`. */
async function bytesOf(path: string, most: number): Promise<Buffer | undefined> {
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    return (await file.stat()).size > most ? undefined : await file.readFile();
  } catch {
    return undefined;
  } finally {
    await file?.close();
  }
}
