import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generated } from "./generated.ts";

for (const [file, text] of Object.entries(generated)) await writeFile(join(import.meta.dirname, "..", file), text);
