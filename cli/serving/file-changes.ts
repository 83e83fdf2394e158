import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Between two looks at the files, in ms. A look costs a `stat` a file, and sees what no notification tells of: files that editors replace, links that ConfigMap mounts swap, network file systems. */
const LOOK = 150;
/** Files must have stayed as they are for this long: a writer may truncate a file before it writes it. */
const SETTLE = 100;
/** Looks that a change may take to come to rest; a file that is written all the time is taken as it is then. */
const MOST_LOOKS = 4;

/**
 * Yields at once, and then whenever files or folders have changed and come to rest, or `due` says that it is time to
 * look again anyway; ends when aborted.
 */
export async function* fileChanges(
  paths: readonly string[],
  signal: AbortSignal,
  due: () => boolean = () => false,
): AsyncGenerator<void> {
  // Before the first yield: what changes while its receiver reads is a change.
  let seen = await signature(paths);
  if (signal.aborted) return;
  yield;
  while (await waited(LOOK, signal)) {
    let now = await signature(paths);
    if (now === seen && !due()) continue;
    let before = seen;
    for (let looks = 0; before !== now && looks < MOST_LOOKS; looks += 1, now = await signature(paths)) {
      before = now;
      if (!(await waited(SETTLE, signal))) return;
    }
    seen = now;
    yield;
  }
}

async function signature(paths: readonly string[]): Promise<string> {
  const parts = await Promise.all(paths.map((path) => signatureOf(path, true)));
  return parts.join("\n");
}

async function signatureOf(path: string, descend: boolean): Promise<string> {
  try {
    const found = await stat(path, { bigint: true });
    // ctime too: it also moves where a tool sets the time of a file back to what it was.
    if (!found.isDirectory())
      return `${path} ${found.mtimeNs} ${found.ctimeNs} ${found.size} ${found.ino} ${found.mode}`;
    if (!descend) return path;
    const names = (await readdir(path)).filter((name) => !name.startsWith(".")).sort();
    const inside = await Promise.all(names.map((name) => signatureOf(join(path, name), false)));
    return [path, ...inside].join("\n");
  } catch {
    return `${path} missing`;
  }
}

/** False when aborted. */
async function waited(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(ms, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}
