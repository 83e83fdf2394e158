import type { Config, Endpoints } from "../../api/config.ts";
import { adminEndpoints } from "../../dataplane/admin/admin.ts";
import type { ReadPath } from "../../dataplane/tunnel/byte-source.ts";
import { BufferBudget } from "../../dataplane/process/buffer-budget.ts";
import { Descriptors } from "../../dataplane/process/descriptors.ts";
import type { Applied } from "../../dataplane/config/rejected-configs.ts";
import { Gateway } from "../../dataplane/gateway.ts";
import type { AdminAddress } from "../../dataplane/ports/own-port.ts";
import { Metrics } from "../../dataplane/metrics.ts";
import { AdminPaths } from "../../runtime/admin-port/admin-paths.ts";
import { systemClock, type Clock } from "../../runtime/clock.ts";
import type { Fields, Log } from "../../runtime/log.ts";
import { hashOf } from "../../runtime/packed-text.ts";
import type { Occupancy } from "../../dataplane/limits/occupancy.ts";
import { answerOf } from "./admin-client.ts";
import { configOf, endpointsOf, type ConfigParts } from "./config.ts";
import { sumOf } from "./metric-sum.ts";
import { FakeStore, type StoreTruth } from "./shared-limits.ts";
import { until } from "./sockets.ts";

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Fields;
}

/** A whole data plane in this process, on ports that the system chooses, for tests that speak over sockets. */
export class TestGateway {
  readonly metrics = new Metrics();
  readonly lines: LogLine[] = [];
  readonly gateway: Gateway;
  readonly log: Log;
  readonly budget: BufferBudget;
  /** Which port a listener is to ask the system for; 0 is any. */
  bindPort: (port: number) => number = () => 0;
  /** Address of its listeners. */
  bindHost = "127.0.0.1";
  /** Where its admin port is open. */
  adminAt: AdminAddress | undefined;
  /** The fake stores of its proxies, in the order in which they were made: those of a test that brings the truth along. */
  readonly stores: FakeStore[] = [];
  /** Those that are made from now on are ready at once. */
  storeSettles = true;
  #config: Config | undefined;
  #endpoints: Endpoints | undefined;

  constructor(
    clock: Clock = systemClock,
    random: () => number = Math.random,
    reads?: ReadPath,
    bufferBudget: number = Number.POSITIVE_INFINITY,
    truth?: StoreTruth,
  ) {
    const line =
      (level: string) =>
      (fields: Fields, message: string): void =>
        void this.lines.push({ level, message, fields });
    const log: Log = { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };
    this.log = log;
    const bind = (port: number): { host: string; port: number } => ({ host: this.bindHost, port: this.bindPort(port) });
    this.budget = new BufferBudget({ limit: bufferBudget, clock, log });
    this.metrics.process.bufferBudget(this.budget);
    const path = reads === undefined ? {} : { reads };
    const descriptors = new Descriptors(10_000, clock, log);
    const store = truth && { store: (_: string, occupancy: Occupancy) => this.#stored(truth, occupancy) };
    const process = { metrics: this.metrics, budget: this.budget, descriptors, ...store };
    this.gateway = new Gateway({ clock, random, log, ...process, bind, admin: () => this.adminAt, ...path });
  }

  #stored(truth: StoreTruth, occupancy: Occupancy): FakeStore {
    const store = new FakeStore(truth, occupancy);
    store.settled = this.storeSettles;
    this.stores.push(store);
    return store;
  }

  /** Puts a config in force that goes to these backend ports; fails the test where it is refused. */
  async serve(parts: ConfigParts, ports: Parameters<typeof endpointsOf>[0]): Promise<this> {
    const applied = await this.apply(configOf(parts), endpointsOf(ports));
    if (!applied.ok) throw new Error(`config refused: ${applied.problems.join("; ")}`);
    return this;
  }

  /** Applies a config that may be invalid. */
  async apply(config: Config, endpoints: Endpoints): Promise<Applied> {
    const [hash, endpointsHash] = [hashOf(JSON.stringify(config)), hashOf(JSON.stringify(endpoints))];
    const [applied] = await this.gateway.apply([await this.gateway.read({ config, endpoints, hash, endpointsHash })]);
    if (applied === undefined) throw new Error("no outcome");
    if (applied.ok) [this.#config, this.#endpoints] = [config, endpoints];
    return applied;
  }

  get config(): Config | undefined {
    return this.#config;
  }

  get endpoints(): Endpoints | undefined {
    return this.#endpoints;
  }

  get port(): number {
    const port = this.gateway.port("test/proxy");
    if (port === undefined) throw new Error("no listener");
    return port;
  }

  url(path = "/"): string {
    return `ws://127.0.0.1:${this.port}${path}`;
  }

  get sessions(): number {
    return this.gateway.proxies.reduce((sum, { sessions }) => sum + sessions.size, 0);
  }

  get attempts(): number {
    return this.gateway.proxies.reduce((sum, { attempts }) => sum + attempts, 0);
  }

  /** Sum of the samples of a metric (its name without `wsproxy_`) whose labels include these. */
  metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    return sumOf(this.metrics, name, labels);
  }

  /** An admin endpoint's answer to a request that may see it. */
  async admin(target: string): Promise<{ status: number; body: string }> {
    const [path = "", query] = target.split("?");
    const { endpoint, segment } =
      new AdminPaths(adminEndpoints(this.gateway, this.metrics, systemClock)).find(path) ?? {};
    if (endpoint === undefined) throw new Error(`no endpoint at ${path}`);
    const answer = await answerOf(endpoint, query, segment);
    return { status: answer.status, body: Buffer.from(answer.body).toString("utf8") };
  }

  /** All that was logged, as one text. */
  get logged(): string {
    return this.lines.map((line) => JSON.stringify(line)).join("\n");
  }

  /** Resolves when no session and no handshake is left. */
  async empty(): Promise<void> {
    await until("no session and no handshake is left", () => this.sessions === 0 && this.attempts === 0).catch(
      (cause: unknown) => {
        throw new Error(
          `${String(cause)}; left: ${this.sessions} sessions, ${this.attempts} handshakes; logged: ${this.logged}`,
          { cause },
        );
      },
    );
  }

  /** Ends everything at once. */
  async close(): Promise<void> {
    await this.gateway.drain(0, AbortSignal.abort());
  }
}
