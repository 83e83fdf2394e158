import { stat } from "node:fs/promises";
import type { Update } from "../dataplane/gateway.ts";
import type { Command } from "./command.ts";
import { EXIT } from "./exit-codes.ts";
import { fileChanges } from "./file-changes.ts";
import { readRenderedConfig } from "./rendered-config.ts";
import { retryTimer } from "./retry-timer.ts";
import { Serving } from "./serving.ts";

/** `wsproxy dataplane`: serves the rendered config of a folder, and each newer one that it accepts. */
export const dataplane: Command = {
  synopsis: "--config DIR [options]",
  about: `The data plane of one WebSocketProxy. It serves the rendered config in a folder (config.json, endpoints.json),
which an operator keeps up to date, and takes over changes within a second. A config that it does not accept changes
nothing; it is logged and counted. Until there is one it waits, and /readyz says 503.
SIGTERM: not ready at once, the listener closes after --shutdown-delay, then the sessions end over the drain period.
A second signal ends everything at once.`,
  options: {
    config: { value: "DIR", help: "folder with the rendered config" },
    address: { value: "ADDRESS", default: "0.0.0.0", help: "address of the listener" },
    "admin-address": { value: "ADDRESS", default: "0.0.0.0", help: "address of the admin port" },
    "admin-port": { value: "PORT", default: "9090", help: "port for /metrics, /healthz, /readyz; 0: none" },
    "shutdown-delay": { value: "TIME", default: "5s", help: "how long a stopping pod still takes connections" },
  },
  async run(args, surroundings) {
    const folder = args.text("config");
    const options = {
      address: args.address("address"),
      adminAddress: args.address("admin-address"),
      adminPort: args.port("admin-port"),
      grace: args.duration("shutdown-delay"),
    };
    if (!(await isFolder(folder))) {
      surroundings.err.write(`wsproxy dataplane: --config ${folder} is not a folder that can be read\n`);
      return EXIT.unavailable;
    }
    const serving = new Serving(options, surroundings);
    const unavailable = await serving.openAdmin();
    if (unavailable !== undefined) {
      surroundings.err.write(`wsproxy dataplane: ${unavailable.message}\n`);
      return EXIT.unavailable;
    }
    const shutdown = surroundings.signals();
    await follow(folder, serving, shutdown.stop);
    await serving.stopped(shutdown);
    return EXIT.ok;
  },
};

/** Until aborted. */
async function follow(folder: string, serving: Serving, signal: AbortSignal): Promise<void> {
  const retry = retryTimer();
  const looks = fileChanges([folder], signal, retry.due);
  while ((await looks.next()).done !== true) {
    const read = await readRenderedConfig(folder);
    if ("problem" in read) {
      if (read.absent && serving.gateway.proxies.length === 0) serving.log.info({ folder }, "waiting for a config");
      else serving.unreadable(read.problem);
      continue;
    }
    const stranger = otherProxy(read, serving);
    if (stranger !== undefined) {
      serving.unreadable(stranger);
      continue;
    }
    const applied = await serving.apply(read);
    retry.set(!applied.ok && applied.stage === "listener");
  }
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

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
