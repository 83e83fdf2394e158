import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Between two looks at the files, in ms. A look costs a `stat` a file, and sees what no notification tells of: files that editors replace, links that ConfigMap mounts swap, network file systems. */
const LOOK = 200;
/** Files must have stayed as they are for this long: whoever truncates before he writes is not caught in between. */
const SETTLE = 120;

/** Yields whenever files or folders have changed and come to rest; ends when aborted. The first look is what changes are compared to. */
export async function* fileChanges(paths: readonly string[], signal: AbortSignal): AsyncGenerator<void> {
  let seen = await signature(paths);
  while (await waited(LOOK, signal)) {
    let now = await signature(paths);
    if (now === seen) continue;
    for (let before = ""; before !== now; now = await signature(paths)) {
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
    const { mtimeNs, size, ino, isDirectory } = await stat(path, { bigint: true }).then((it) => ({
      mtimeNs: it.mtimeNs,
      size: it.size,
      ino: it.ino,
      isDirectory: it.isDirectory(),
    }));
    if (!isDirectory) return `${path} ${mtimeNs} ${size} ${ino}`;
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
