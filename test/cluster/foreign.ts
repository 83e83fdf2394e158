import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { V1PodTemplateSpec } from "@kubernetes/client-node";
import type { Cluster } from "./cluster.ts";
import { command } from "./command.ts";
import { running } from "./injected-pods.ts";

const PYTHON = "wsproxy.test/python:1";
const text = (file: string): Promise<string> => readFile(join(import.meta.dirname, file), "utf8");

/** The same pods with a server of Node's own modules. */
export async function foreignServer(
  template: V1PodTemplateSpec,
  ...settings: readonly object[]
): Promise<V1PodTemplateSpec> {
  return running(template, await text("foreign-main.ts"), ...settings);
}

/** The same pods with such a server in Python; undefined: this machine has no Python of which an image can be made. */
export async function pythonServer(
  cluster: Cluster,
  template: V1PodTemplateSpec,
  ...settings: readonly object[]
): Promise<V1PodTemplateSpec | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "wsproxy-python-"));
  try {
    const archive = join(folder, "python.tar");
    const made = await command(join(import.meta.dirname, "python-image.sh"), [PYTHON, archive]).then(
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
  const program = ["/usr/bin/python3", "-I", "-c", await text("foreign-main.py")];
  return running(template, "", { image: `docker.io/library/${PYTHON}`, command: program }, ...settings);
}
