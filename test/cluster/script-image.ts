import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Cluster } from "./cluster.ts";
import { command } from "./command.ts";

/**
 * Makes the image `name` by a script of this folder (arguments: name, archive) and loads it into the cluster. Resolves with
 * its full name; undefined: the script ended with 3, since this machine lacks what the image is made of.
 */
export async function scriptImage(cluster: Cluster, script: string, name: string): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "wsproxy-image-"));
  try {
    const archive = join(folder, "image.tar");
    const made = await command(join(import.meta.dirname, script), [name, archive]).then(
      () => true,
      (error: Error) => {
        if (!error.message.includes(": status 3\n")) throw error;
        return false;
      },
    );
    if (!made) return undefined;
    await cluster.provider.load(archive);
  } finally {
    await rm(folder, { recursive: true });
  }
  return `docker.io/library/${name}`;
}
