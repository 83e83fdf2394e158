import { adminServer, PortUnavailable, type AdminServer } from "../runtime/admin-server.ts";
import { systemClock } from "../runtime/clock.ts";
import { faultText } from "../runtime/faults.ts";
import { processLog, type Level, type ProcessLog } from "../runtime/log.ts";
import type { Shutdown } from "../runtime/shutdown.ts";
import { adminHandlers } from "../dataplane/admin.ts";
import { Gateway, type Applied, type Update } from "../dataplane/gateway.ts";
import { Metrics } from "../dataplane/metrics.ts";
import { aborted } from "./aborted.ts";
import type { Surroundings } from "./command.ts";

export interface ServingOptions {
  /** Address on which listeners open. */
  readonly address: string;
  readonly adminAddress: string;
  /** 0: no admin port. */
  readonly adminPort: number;
  /** Time between "not ready" and the closing of the listeners, in ms. */
  readonly grace: number;
}

/** The levels, most verbose first. */
const LEVELS: readonly Level[] = ["debug", "info", "warn", "error"];

/** The part that `standalone` and `dataplane` have in common: a gateway with its admin port, until somebody stops it. */
export class Serving {
  readonly gateway: Gateway;
  readonly log: ProcessLog;
  readonly #metrics = new Metrics();
  readonly #options: ServingOptions;
  readonly #removals = new Set<Promise<void>>();
  #admin: AdminServer | undefined;

  constructor(options: ServingOptions, { faults }: Pick<Surroundings, "faults">) {
    const log = processLog("info");
    this.#options = options;
    this.log = log;
    this.#metrics.logDropped(() => log.dropped());
    this.gateway = new Gateway({
      clock: systemClock,
      log,
      metrics: this.#metrics,
      random: Math.random,
      bind: (port) => ({ host: options.address, port }),
    });
    const tell = faults.report;
    faults.report = async (fault) => {
      await tell(fault);
      log.error({ fault: faultText(fault) }, "fault");
      await log.flush();
    };
  }

  /** Opens the admin port. What is wrong, if it cannot be had. */
  async openAdmin(): Promise<PortUnavailable | undefined> {
    const { adminAddress, adminPort } = this.#options;
    if (adminPort === 0) return undefined;
    try {
      this.#admin = await adminServer(adminHandlers(this.gateway, this.#metrics), adminAddress, adminPort);
      this.log.info({ address: this.#admin.address, port: this.#admin.port }, "admin port open");
      return undefined;
    } catch (error) {
      if (error instanceof PortUnavailable) return error;
      throw error;
    }
  }

  /** The admin port that is open. */
  get adminPort(): number | undefined {
    return this.#admin?.port;
  }

  /** Puts a config in force, or says why not; logs what changed. Calls must not overlap. */
  async apply(update: Update): Promise<Applied> {
    const before = new Map(this.gateway.proxies.map(({ name, snapshot }) => [name, snapshot?.hash]));
    const applied = await this.gateway.apply(update);
    if (!applied.ok) {
      this.log.warn({ stage: applied.stage, problems: applied.problems.slice(0, 20) }, "config rejected");
      return applied;
    }
    this.#setLevel();
    const { proxy } = applied;
    if (before.get(proxy) === update.hash) return applied;
    const generation = this.gateway.proxies.find(({ name }) => name === proxy)?.snapshot?.config.proxy.generation;
    const [address, port] = [this.gateway.address(proxy), this.gateway.port(proxy)];
    this.log.info({ proxy, generation, hash: update.hash, address, port }, "config applied");
    return applied;
  }

  /** A config that could not even be read. */
  unreadable(problem: string): void {
    this.#metrics.configRejected(this.gateway.proxies[0]?.name ?? "");
    this.log.warn({ stage: "config", problems: [problem] }, "config rejected");
  }

  /** Takes a proxy out of service; its sessions end meanwhile. */
  remove(proxy: string): void {
    this.log.info({ proxy }, "proxy removed");
    const removal = this.gateway.remove(proxy).finally(() => this.#removals.delete(removal));
    this.#removals.add(removal);
    this.#setLevel();
  }

  /** Stops gracefully at the first signal, at once at the second. Resolves when nothing is left. */
  async stopped({ stop, now }: Shutdown): Promise<void> {
    await aborted(stop);
    this.log.info({}, "draining");
    // Keeps the process alive while nothing but timers is left.
    const alive = setInterval(() => {}, 1000);
    await this.gateway.drain(this.#options.grace, now);
    await Promise.race([aborted(now), Promise.all(this.#removals)]);
    clearInterval(alive);
    this.log.info({}, "stopped");
    await this.close();
  }

  /** Closes the admin port and writes out the log. */
  async close(): Promise<void> {
    await this.#admin?.close();
    await this.log.flush();
  }

  /** One process has one log: the most verbose of its proxies decides. */
  #setLevel(): void {
    const wanted = this.gateway.proxies.map(({ snapshot }) => snapshot?.config.dataplane.log.level ?? "info");
    this.log.level = LEVELS.find((level) => wanted.some((it) => it === level)) ?? "info";
  }
}
