import { stat } from "node:fs/promises";
import { systemClock } from "../../runtime/clock.ts";
import type { CommandIO } from "../line/command.ts";
import { EXIT } from "../line/exit-codes.ts";
import { followFolder } from "./follow-folder.ts";
import { Serving, type ServingOptions } from "./serving.ts";

export interface FolderOptions extends ServingOptions {
  readonly folder: string;
}

/** Serves the rendered config of a folder, and each newer one, until a signal stops it. Resolves with the exit code. */
export async function serveFolder({ folder, ...options }: FolderOptions, io: CommandIO): Promise<number> {
  if (!(await isFolder(folder))) {
    io.err.write(`wsproxy dataplane: --config ${folder} is not a folder that can be read\n`);
    return EXIT.unavailable;
  }
  // Before anything is opened: the first process of a container ignores signals that it does not handle.
  const shutdown = io.signals();
  const serving = new Serving(options, io);
  const unavailable = await serving.openAdmin();
  if (unavailable !== undefined) {
    io.err.write(`wsproxy dataplane: ${unavailable.message}\n`);
    return EXIT.unavailable;
  }
  const stopped = serving.stopped(shutdown);
  await followFolder(folder, serving, { signal: shutdown.stop, clock: systemClock });
  await stopped;
  return EXIT.ok;
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
