import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { V1PodTemplateSpec } from "@kubernetes/client-node";
import type { Cluster } from "./cluster.ts";
import { running } from "./injected-pods.ts";
import { scriptImage } from "./script-image.ts";

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
  const image = await scriptImage(cluster, "python-image.sh", PYTHON);
  if (image === undefined) return undefined;
  const program = ["/usr/bin/python3", "-I", "-c", await text("foreign-main.py")];
  return running(template, "", { image, command: program }, ...settings);
}
