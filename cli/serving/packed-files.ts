import { LARGEST_TEXT, PACKED } from "../../api/meta.ts";
import { unpackAside } from "../../runtime/packed-text.ts";
import { bytesIn } from "./folder-file.ts";
import type { FolderProblem, Texts, Version } from "./folder-texts.ts";

/** Bytes of a file that holds a hash or a number. */
const LONGEST_WORD = 100;

/** Config and endpoints as they stand in objects of the API that are mounted as files; believed only with their hashes. */
export async function packedTexts(version: Version): Promise<Texts | FolderProblem> {
  const config = await configIn(version);
  if (typeof config !== "string") return config;
  const words = "the endpoints are not what their hash says";
  const endpoints = await textOf(version, [PACKED.endpoints], PACKED.endpointsHash, words);
  return typeof endpoints === "string" ? { config, endpoints } : endpoints;
}

async function configIn(version: Version): Promise<string | FolderProblem> {
  const parts = await wordIn(version, PACKED.configParts);
  if (typeof parts !== "string") return parts;
  const count = Number(parts);
  const mixed = "the config's parts are not all of one version";
  if (!(count >= 1 && count <= PACKED.mostParts)) return { problem: mixed, incomplete: true };
  const names = Array.from({ length: count }, (_, part) => PACKED.configPart(part));
  return textOf(version, names, PACKED.configHash, mixed);
}

/** `words`: what it means where the parts do not have the hash. */
async function textOf(
  version: Version,
  parts: readonly string[],
  hash: string,
  words: string,
): Promise<string | FolderProblem> {
  const expected = await wordIn(version, hash);
  if (typeof expected !== "string") return expected;
  const packed: Buffer[] = [];
  for (const part of await Promise.all(parts.map((name) => bytesIn(version, name, PACKED.largestPart)))) {
    if ("problem" in part) return part;
    packed.push(part);
  }
  const text = await unpackAside(Buffer.concat(packed), expected, LARGEST_TEXT);
  return text ?? { problem: words, incomplete: true };
}

async function wordIn(version: Version, name: string): Promise<string | FolderProblem> {
  const bytes = await bytesIn(version, name, LONGEST_WORD);
  return "problem" in bytes ? bytes : bytes.toString("utf8").trim();
}
