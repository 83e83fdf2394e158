import { mkdir, readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryFolder } from "./program.ts";

/**
 * A folder as the kubelet mounts a ConfigMap or Secret: `..data` links to the newest version, and the files link
 * through it.
 */
export class Mount {
  readonly folder: string;
  #version = 0;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(): Promise<Mount> {
    return new Mount(await temporaryFolder());
  }

  /** Writes all files, be it none, as a new version and switches to it at once; then links that lead nowhere go. */
  async publish(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
    const old = `..version-${this.#version}`;
    this.#version += 1;
    const version = `..version-${this.#version}`;
    await mkdir(join(this.folder, version));
    for (const [name, content] of Object.entries(files)) await writeFile(join(this.folder, version, name), content);
    await symlink(version, join(this.folder, "..data_tmp"));
    await rename(join(this.folder, "..data_tmp"), join(this.folder, "..data"));
    for (const name of Object.keys(files)) {
      await symlink(`..data/${name}`, join(this.folder, name)).catch(() => {}); // exists from the second version on
    }
    for (const name of await readdir(this.folder)) {
      if (!name.startsWith("..") && !Object.hasOwn(files, name)) await rm(join(this.folder, name));
    }
    await rm(join(this.folder, old), { recursive: true, force: true });
  }
}
