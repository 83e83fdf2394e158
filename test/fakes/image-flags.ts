import { readFileSync } from "node:fs";
import { join } from "node:path";

const DOCKERFILE = join(import.meta.dirname, "../../Dockerfile");

/** The flags with which the image starts Node. */
export const IMAGE_FLAGS = flagsOf(readFileSync(DOCKERFILE, "utf8"));

function flagsOf(dockerfile: string): readonly string[] {
  const [, line] = /^ENTRYPOINT (\[.*\])$/m.exec(dockerfile) ?? [];
  if (line === undefined) throw new Error(`${DOCKERFILE} has no ENTRYPOINT`);
  return (JSON.parse(line) as string[]).slice(1, -1);
}
