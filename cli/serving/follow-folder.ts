import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { ADMIN_TOKEN_FILE } from "../../api/meta.ts";
import type { InvalidUpdate, Update } from "../../dataplane/config/read-update.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { readAdminToken } from "./admin-token.ts";
import { ConfigAbsence } from "./config-absence.ts";
import { fileChanges } from "./file-changes.ts";
import type { FolderProblem } from "./folder-texts.ts";
import { readRenderedConfig } from "./rendered-config.ts";
import { retryTimer } from "./retry-timer.ts";
import type { Serving } from "./serving.ts";

/** What a folder's config and admin token act on. */
export interface Follower extends Pick<Serving, "gateway" | "apply" | "unusable" | "useAdminToken"> {
  readonly log: Log;
}

/** Puts the config and the admin token of a folder in force, and each newer one, until aborted. */
export async function followFolder(
  folder: string,
  serving: Follower,
  { signal, clock }: { readonly signal: AbortSignal; readonly clock: Clock },
): Promise<void> {
  const retry = retryTimer(clock);
  const absence = new ConfigAbsence(clock);
  let waiting: string | undefined;
  let tokenState: string | undefined;
  const looks = fileChanges([folder], signal, () => retry.due() || absence.due);
  while ((await looks.next()).done !== true) {
    tokenState = await takeToken(folder, serving, tokenState);
    const read = await readRenderedConfig(folder, (raw) => serving.gateway.read(raw));
    retry.set(false);
    const absent = "problem" in read && read.absent === true;
    if (absence.looked(absent)) await removeConfig(folder, serving);
    if ("problem" in read) {
      waiting = tell(folder, serving, read, waiting);
      continue;
    }
    waiting = undefined;
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

/** Says once what the folder lacks: `told` is what was said. A config that cannot be read is told of at every change. */
function tell(
  folder: string,
  serving: Follower,
  { problem, incomplete, absent }: FolderProblem,
  told: string | undefined,
): string | undefined {
  if (incomplete !== true && absent !== true) {
    serving.unusable([problem]);
    return undefined;
  }
  if (problem === told) return told;
  if (incomplete === true) serving.log.info({ folder, problem }, "waiting for the whole config");
  else if (serving.gateway.proxies.length === 0) serving.log.info({ folder }, "waiting for a config");
  return problem;
}

/** The pod's proxy has no route from now on, and no config that was refused. */
async function removeConfig(folder: string, { gateway, log }: Follower): Promise<void> {
  const [proxy] = gateway.proxies;
  if (proxy?.configRemoved === false)
    log.warn({ proxy: proxy.name, folder }, "config removed: no route is served until there is a config again");
  for (const name of gateway.known) await gateway.removeConfig(name);
}

/** The admin token of the folder, whether there is a config or not. A problem is logged once: `told` is the one that was. */
async function takeToken(folder: string, serving: Follower, told: string | undefined): Promise<string> {
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
 * cannot go on under the config of another. One that was deleted and made anew has the same name, and is served.
 */
function problemsHere(read: Update | InvalidUpdate, { gateway }: Follower): readonly string[] {
  const served = gateway.proxies[0]?.name;
  if (served === undefined || read.id === served) return [];
  if (read.id === "" && "problems" in read) return read.problems;
  return [`the config is that of ${read.id}, and ${served} is served here`];
}
