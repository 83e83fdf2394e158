import { stat } from "node:fs/promises";
import { join } from "node:path";
import { ADMIN_TOKEN_FILE } from "../../api/meta.ts";
import type { Update } from "../../dataplane/config/read-update.ts";
import { readAdminToken } from "./admin-token.ts";
import type { CommandIO } from "../line/command.ts";
import { EXIT } from "../line/exit-codes.ts";
import { fileChanges } from "./file-changes.ts";
import { readRenderedConfig } from "./rendered-config.ts";
import { retryTimer } from "./retry-timer.ts";
import { Serving, type ServingOptions } from "./serving.ts";

export interface FolderOptions extends ServingOptions {
  readonly folder: string;
  /** Whatever port a config says, the listener is on this one; 0: on the config's. */
  readonly listenerPort: number;
}

/** Serves the rendered config of a folder, and each newer one, until somebody stops it. Resolves with the exit code. */
export async function serveFolder({ folder, listenerPort, ...options }: FolderOptions, io: CommandIO): Promise<number> {
  if (!(await isFolder(folder))) {
    io.err.write(`wsproxy dataplane: --config ${folder} is not a folder that can be read\n`);
    return EXIT.unavailable;
  }
  // Before anything is opened: as the first process of a container it would not end without.
  const shutdown = io.signals();
  const serving = new Serving(options, io);
  const unavailable = await serving.openAdmin();
  if (unavailable !== undefined) {
    io.err.write(`wsproxy dataplane: ${unavailable.message}\n`);
    return EXIT.unavailable;
  }
  await follow(folder, listenerPort, serving, shutdown.stop);
  await serving.stopped(shutdown);
  return EXIT.ok;
}

/** Until aborted. */
async function follow(folder: string, listenerPort: number, serving: Serving, signal: AbortSignal): Promise<void> {
  const retry = retryTimer();
  let missing = "";
  let tokenState: string | undefined;
  const looks = fileChanges([folder], signal, retry.due);
  while ((await looks.next()).done !== true) {
    tokenState = await takeToken(folder, serving, tokenState);
    const read = await readRenderedConfig(folder);
    if ("problem" in read) {
      if (read.incomplete) {
        if (read.problem !== missing)
          serving.log.info({ folder, problem: read.problem }, "waiting for the whole config");
        missing = read.problem;
      } else if (read.absent && serving.gateway.proxies.length === 0)
        serving.log.info({ folder }, "waiting for a config");
      else serving.unreadable(read.problem);
      continue;
    }
    missing = "";
    const stranger = otherProxy(read, serving);
    if (stranger !== undefined) {
      serving.unreadable(stranger);
      continue;
    }
    const [applied] = await serving.apply([onPort(listenerPort, read)]);
    retry.set(applied?.ok === false && applied.stage === "listener");
  }
}

/** The admin token of the folder, whether there is a config or not. What is wrong with it is said once; `told` is what was. */
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

/** A pod serves one proxy all its life: the sessions of one cannot go on under the config of another. */
function otherProxy({ config }: Update, { gateway }: Serving): string | undefined {
  const name = gateway.proxies[0]?.name;
  const { namespace, name: own } = (config as { proxy?: Record<string, unknown> } | null)?.proxy ?? {};
  const given = `${String(namespace)}/${String(own)}`.slice(0, 320);
  return name === undefined || given === name
    ? undefined
    : `the config is that of ${given}, and ${name} is served here`;
}

/** A pod that moved to another port would be looked for at the old one until it is replaced. */
function onPort(port: number, update: Update): Update {
  const config = update.config as { readonly listener?: object } | null;
  if (port === 0 || typeof config?.listener !== "object") return update;
  return { ...update, config: { ...config, listener: { ...config.listener, port } } };
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
