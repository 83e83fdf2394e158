import { stat } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { ADMIN_TOKEN_FILE } from "../../api/meta.ts";
import type { InvalidUpdate, Update } from "../../dataplane/config/read-update.ts";
import { readAdminToken } from "./admin-token.ts";
import type { CommandIO } from "../line/command.ts";
import { EXIT } from "../line/exit-codes.ts";
import { fileChanges } from "./file-changes.ts";
import { readRenderedConfig } from "./rendered-config.ts";
import { retryTimer } from "./retry-timer.ts";
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
  await follow(folder, serving, shutdown.stop);
  await stopped;
  return EXIT.ok;
}

/** Until aborted. */
async function follow(folder: string, serving: Serving, signal: AbortSignal): Promise<void> {
  const retry = retryTimer();
  let missing = "";
  let tokenState: string | undefined;
  const looks = fileChanges([folder], signal, retry.due);
  while ((await looks.next()).done !== true) {
    tokenState = await takeToken(folder, serving, tokenState);
    const read = await readRenderedConfig(folder, (raw) => serving.gateway.read(raw));
    if ("problem" in read) {
      if (read.incomplete) {
        if (read.problem !== missing)
          serving.log.info({ folder, problem: read.problem }, "waiting for the whole config");
        missing = read.problem;
      } else if (read.absent && serving.gateway.proxies.length === 0)
        serving.log.info({ folder }, "waiting for a config");
      else serving.unusable([read.problem]);
      continue;
    }
    missing = "";
    const problems = problemsHere(read, serving);
    if (problems.length > 0) {
      serving.unusable(problems);
      await serving.gateway.remove(read.id); // never the served proxy: what the gateway remembers of the other one goes
      continue;
    }
    await turn(); // a slice of parsing may have just ended, and applying begins with another
    const [applied] = await serving.apply([read]);
    retry.set(applied?.ok === false && applied.stage === "listener");
  }
}

/** The admin token of the folder, whether there is a config or not. A problem is logged once: `told` is the one that was. */
async function takeToken(folder: string, serving: Serving, told: string | undefined): Promise<string> {
  const read = await readAdminToken(join(folder, ADMIN_TOKEN_FILE));
  serving.useAdminToken(read.token);
  const state = read.token === undefined ? read.problem : "in force";
  if (state === told) return state;
  if (read.token !== undefined) serving.log.info({}, "admin token in force");
  else if (read.fault === "missing") serving.log.info({}, "no admin token: /config and /sessions refuse every request");
  else serving.log.warn({ problem: read.problem }, "admin token cannot be used");
  return state;
}

/**
 * Why a config cannot be for the proxy that this pod serves. A pod serves one proxy all its life: the sessions of one
 * cannot go on under the config of another.
 */
function problemsHere(read: Update | InvalidUpdate, { gateway }: Serving): readonly string[] {
  const served = gateway.proxies[0]?.name;
  if (served === undefined || read.id === served) return [];
  if (read.id === "" && "problems" in read) return read.problems;
  return [`the config is that of ${read.id}, and ${served} is served here`];
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
