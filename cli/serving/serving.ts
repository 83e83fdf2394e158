import { AdminGate } from "../../runtime/admin-port/admin-gate.ts";
import { adminServer, PortUnavailable, type AdminServer } from "../../runtime/admin-port/admin-server.ts";
import { systemClock } from "../../runtime/clock.ts";
import { descriptorLimit } from "../../runtime/descriptor-limit.ts";
import { watchEventLoop } from "../../runtime/loop/event-loop-delay.ts";
import { processLog, type Level, type ProcessLog } from "../../runtime/log.ts";
import type { Shutdown } from "../../runtime/shutdown.ts";
import { adminEndpoints } from "../../dataplane/admin/admin.ts";
import { drainEndpoints } from "../../dataplane/admin/drain-endpoints.ts";
import { ProcessDrain } from "../../dataplane/admin/process-drain.ts";
import { Descriptors, descriptorsForSockets } from "../../dataplane/process/descriptors.ts";
import type { InvalidUpdate, Update } from "../../dataplane/config/read-update.ts";
import type { Applied } from "../../dataplane/config/rejected-configs.ts";
import { Gateway } from "../../dataplane/gateway.ts";
import { Metrics } from "../../dataplane/metrics.ts";
import { BufferBudget } from "../../dataplane/process/buffer-budget.ts";
import { aborted } from "../../runtime/aborted.ts";
import type { CommandIO } from "../line/command.ts";
import { pageEndpoints } from "../page/page-endpoints.ts";
import { logFaults } from "./log-faults.ts";

export interface ServingOptions {
  /** Address on which listeners open. */
  readonly address: string;
  /** The port of every listener, whatever its config says; 0 or absent: the config's. */
  readonly listenerPort?: number;
  readonly adminAddress: string;
  /** 0: no admin port. */
  readonly adminPort: number;
  /** Time between "not ready" and the closing of the listeners, in ms. */
  readonly grace: number;
  /** The same while there is neither a session nor a handshake; absent: `grace`. */
  readonly idleGrace?: number;
  /** Memory for what receivers have not taken, of all sessions together, in bytes. */
  readonly bufferBudget: number;
}

/** Problems of one config that are logged. */
const LOGGED = 20;
/** The levels, most verbose first. */
const LEVELS: readonly Level[] = ["debug", "info", "warn", "error"];

/** The part that `standalone` and `dataplane` have in common: a gateway with its admin port, until a signal stops it. */
export class Serving {
  readonly gateway: Gateway;
  readonly log: ProcessLog;
  readonly #metrics = new Metrics();
  readonly #gate = new AdminGate((reason) => this.#metrics.process.adminRefused(reason));
  readonly #options: ServingOptions;
  readonly #removals = new Set<Promise<void>>();
  readonly #closed = new AbortController();
  readonly #drain = new ProcessDrain();
  #admin: AdminServer | undefined;

  constructor(options: ServingOptions, io: Pick<CommandIO, "faults">) {
    const log = processLog("info");
    this.#options = options;
    this.log = log;
    this.#metrics.process.logDropped(() => log.dropped());
    const budget = new BufferBudget({ limit: options.bufferBudget, clock: systemClock, log });
    this.#metrics.process.bufferBudget(budget);
    this.gateway = new Gateway({
      clock: systemClock,
      log,
      metrics: this.#metrics,
      budget,
      random: Math.random,
      descriptors: new Descriptors(descriptorsForSockets(descriptorLimit()), systemClock, log),
      bind: (port) => ({ host: options.address, port: options.listenerPort || port }),
      admin: () => this.#admin,
    });
    watchEventLoop(systemClock, (seconds) => this.#metrics.process.eventLoopDelay(seconds), this.#closed.signal);
    logFaults(io, log);
  }

  /** Opens the admin port. What is wrong, if it cannot be had. */
  async openAdmin(): Promise<PortUnavailable | undefined> {
    const { adminAddress, adminPort } = this.#options;
    if (adminPort === 0) return undefined;
    try {
      const endpoints = {
        ...adminEndpoints(this.gateway, this.#metrics, systemClock),
        ...drainEndpoints(this.#drain, systemClock),
        ...(await pageEndpoints()),
      };
      this.#admin = await adminServer(endpoints, adminAddress, adminPort, { gate: this.#gate });
      this.log.info({ address: this.#admin.address, port: this.#admin.port }, "admin port open");
      return undefined;
    } catch (error) {
      if (error instanceof PortUnavailable) return error;
      throw error;
    }
  }

  /** The token that closed admin endpoints ask for from now on; undefined: they refuse every request. */
  useAdminToken(token: string | undefined): void {
    this.#gate.use(token);
  }

  /** The admin port that is open. */
  get adminPort(): number | undefined {
    return this.#admin?.port;
  }

  /** The port that no listener can have, since the admin port is open there. */
  get takenPort(): number | undefined {
    return mayMeet(this.#options.address, this.#options.adminAddress) ? this.adminPort : undefined;
  }

  /** As the gateway's own, and logs what changed. Calls must not overlap. */
  async apply(
    updates: readonly (Update | InvalidUpdate)[],
    leaving: ReadonlySet<string> = new Set(),
  ): Promise<Applied[]> {
    const before = new Map(this.gateway.proxies.map(({ name, snapshot }) => [name, snapshot?.hash]));
    const outcomes = await this.gateway.apply(updates, leaving);
    this.#setLevel();
    for (const applied of outcomes) {
      if (applied.ok) this.#logChange(applied.proxy, before.get(applied.proxy));
      else this.log.warn({ stage: applied.stage, problems: applied.problems.slice(0, LOGGED) }, "config rejected");
    }
    return outcomes;
  }

  #logChange(proxy: string, before: string | undefined): void {
    const snapshot = this.gateway.proxies.find(({ name }) => name === proxy)?.snapshot;
    if (snapshot === undefined || snapshot.hash === before) return;
    const { generation } = snapshot.config.proxy;
    const [address, port] = [this.gateway.address(proxy), this.gateway.port(proxy)];
    this.log.info({ proxy, generation, hash: snapshot.hash, address, port }, "config applied");
  }

  /** A config that is not given to the gateway at all. */
  unusable(problems: readonly string[]): void {
    this.gateway.unreadable();
    this.log.warn({ stage: "config", problems: problems.slice(0, LOGGED) }, "config rejected");
  }

  /** Takes a proxy out of service; its sessions end meanwhile. */
  remove(proxy: string): void {
    this.log.info({ proxy }, "proxy removed");
    const removal = this.gateway.remove(proxy).finally(() => this.#removals.delete(removal));
    this.#removals.add(removal);
    this.#setLevel();
  }

  /**
   * Drains at the first signal, or when the admin port is asked to; a second signal ends everything at once. Resolves when
   * nothing is left and a signal has come: until then the port answers hooks that ask whether the drain is over.
   */
  async stopped({ stop, now }: Shutdown): Promise<void> {
    await Promise.race([aborted(stop), aborted(this.#drain.begun)]);
    this.#drain.begin();
    this.log.info({ by: stop.aborted ? "signal" : "admin port" }, "draining");
    // Keeps the process alive while nothing but timers is left.
    const alive = setInterval(() => {}, 1000);
    const { grace, idleGrace } = this.#options;
    await this.gateway.drain(grace, now, idleGrace);
    await Promise.race([aborted(now), Promise.all(this.#removals)]);
    this.#drain.ended();
    if (!stop.aborted) this.log.info({}, "drained: the process takes no more clients, and ends at SIGTERM");
    await aborted(stop);
    clearInterval(alive);
    this.log.info({}, "stopped");
    await this.close();
  }

  /** Closes the admin port and writes out the log. */
  async close(): Promise<void> {
    this.#closed.abort();
    await this.#admin?.close();
    await this.log.flush();
  }

  /** One process has one log: the most verbose of its proxies decides. */
  #setLevel(): void {
    const wanted = this.gateway.proxies.map(({ snapshot }) => snapshot?.config.dataplane.log.level ?? "info");
    this.log.level = LEVELS.find((level) => wanted.some((it) => it === level)) ?? "info";
  }
}

/** A port on one of these addresses cannot be opened while it is open on the other. */
function mayMeet(one: string, other: string): boolean {
  const names = new Set([one, other]);
  if (names.size === 1 || names.has("0.0.0.0") || names.has("::")) return true;
  return names.has("localhost") && (names.has("127.0.0.1") || names.has("::1"));
}
