import type { Clock } from "../runtime/clock.ts";
import { adminServer, type AdminServer } from "../runtime/admin-server.ts";
import type { ProcessLog } from "../runtime/log.ts";
import type { Shutdown } from "../runtime/shutdown.ts";
import { adminHandlers } from "../dataplane/admin.ts";
import { Gateway } from "../dataplane/gateway.ts";
import { Metrics } from "../dataplane/metrics.ts";

/** The part that `standalone` and `dataplane` have in common: a gateway with its admin port, until somebody stops it. */
export interface Serving {
  readonly gateway: Gateway;
  readonly admin: AdminServer | undefined;
  /** Resolves when the gateway has stopped: at the first signal gracefully, at the second at once. */
  stopped(shutdown: Shutdown): Promise<void>;
}

export interface ServingOptions {
  /** Address on which listeners open. */
  readonly address: string;
  readonly adminAddress: string;
  /** 0: no admin port. */
  readonly adminPort: number;
  /** Time between "not ready" and the closing of the listeners, in ms. */
  readonly grace: number;
  readonly clock: Clock;
  readonly log: ProcessLog;
}

/** Opens the admin port and makes an empty gateway. Rejects with PortUnavailable. */
export async function serving(options: ServingOptions): Promise<Serving> {
  const { address, adminAddress, adminPort, grace, clock, log } = options;
  const metrics = new Metrics();
  metrics.logDropped(() => log.dropped());
  const gateway = new Gateway({ clock, log, metrics, random: Math.random, bind: (port) => ({ host: address, port }) });
  const admin =
    adminPort === 0 ? undefined : await adminServer(adminHandlers(gateway, metrics), adminAddress, adminPort);
  return {
    gateway,
    admin,
    async stopped({ stop, now }) {
      await aborted(stop);
      log.info({}, "draining");
      // Keeps the process alive while nothing but timers is left.
      const alive = setInterval(() => {}, 1000);
      await gateway.drain(grace, now);
      await admin?.close();
      clearInterval(alive);
      log.info({}, "stopped");
      await log.flush();
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
