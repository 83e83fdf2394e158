import { pause } from "../runtime/loop/pause.ts";
import { Slices } from "../runtime/loop/slices.ts";
import { UpdateReader, type InvalidUpdate, type RawUpdate, type Update } from "./config/read-update.ts";
import { RejectedConfigs, type Applied, type RejectedConfig } from "./config/rejected-configs.ts";
import type { Snapshot } from "./config/snapshot.ts";
import { FrameTraces } from "./frame-trace/frame-traces.ts";
import { Watching } from "./debug/watching.ts";
import { listenerCertificate, type ListenerCertificate } from "./ports/certificate.ts";
import { grantPorts } from "./ports/grant-ports.ts";
import { OpenPort, type PortAddress } from "./ports/open-port.ts";
import { ownPort, type AdminAddress } from "./ports/own-port.ts";
import { Evictions } from "./process/evictions.ts";
import type { ProxyState } from "./process/process-metrics.ts";
import { processResources, type ProcessOptions, type ProcessResources } from "./process-resources.ts";
import { ProxyListener } from "./proxy-listener.ts";
import { ServedProxy } from "./served-proxy.ts";
import { processRoom } from "./waiting/process-room.ts";
import type { WaitingRoom } from "./waiting/waiting-room.ts";

export interface GatewayOptions extends ProcessOptions {
  /** Address and port on which a proxy's listener opens, by the port in its config. */
  readonly bind: (port: number) => PortAddress;
  /** Where the admin port is open; absent: there is none. */
  readonly admin?: () => AdminAddress | undefined;
}

/** Time between two looks at whether a gateway that stops has sessions, in ms. */
const LOOK = 20;

/** A config that takes force once its proxy has the port. */
interface Candidate {
  readonly update: Update;
  readonly listener: ProxyListener;
  readonly snapshot: Snapshot;
  readonly certificate: ListenerCertificate;
}

/** The data plane: puts rendered configs in force, keeps the last good one of each proxy, and stops gracefully. */
export class Gateway {
  /** What watches the handshakes and sessions of all proxies. */
  readonly watching: Watching;
  /** Proxies in service, by name. */
  readonly #listeners = new Map<string, ProxyListener>();
  /** Removed, with sessions that have not ended yet. */
  readonly #retiring = new Set<ServedProxy>();
  readonly #rejected: RejectedConfigs;
  readonly frames: FrameTraces;
  readonly #options: GatewayOptions;
  readonly #reader = new UpdateReader();
  readonly #evictions: Evictions;
  /** One for all listeners. */
  readonly #room: WaitingRoom;
  readonly #resources: () => Promise<ProcessResources>;
  #stopping = false;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.watching = new Watching(options.clock);
    this.#rejected = new RejectedConfigs(options.metrics);
    const { process: metrics } = options.metrics;
    this.#evictions = new Evictions(options.clock, options.log, metrics);
    this.#room = processRoom({ ...options, metrics, evictions: this.#evictions });
    this.frames = new FrameTraces(options.clock);
    this.#resources = processResources(options, {
      frames: this.frames,
      watching: this.watching,
      stopping: () => this.#stopping,
      ownPort: (port) => ownPort(port, this.#ports().values(), options.admin?.()),
    });
    options.metrics.process.showProxies(() => this.#states());
    options.metrics.process.showStreams(this.watching);
  }

  /** Proxies in service, in the order in which they came. */
  get proxies(): readonly ServedProxy[] {
    return [...this.#listeners.values()].map(({ proxy }) => proxy);
  }

  /** By proxy: the config that came last, where it was rejected. */
  get rejected(): ReadonlyMap<string, RejectedConfig> {
    return this.#rejected.byProxy;
  }

  /** Names of proxies in service, and of those whose config was refused; "" where that did not say for which proxy it is. */
  get known(): ReadonlySet<string> {
    return new Set([...this.#listeners.keys(), ...this.#rejected.refused]);
  }

  /** Every proxy has a config in force, an open listener and its counts, and none is being drained. */
  get ready(): boolean {
    const listeners = [...this.#listeners.values()];
    return !this.#stopping && listeners.length > 0 && listeners.every((one) => isReady(one));
  }

  /** A gateway that stops takes nothing new: no session, and no config that it could refuse. */
  *#states(): Iterable<ProxyState> {
    const { refused } = this.#rejected;
    for (const proxy of this.known) {
      const listener = this.#listeners.get(proxy);
      const ready = !this.#stopping && listener !== undefined && isReady(listener);
      yield {
        proxy,
        ready,
        refused: !this.#stopping && refused.has(proxy),
        removed: listener?.proxy.configRemoved === true,
        hash: listener?.proxy.snapshot?.hash,
      };
    }
  }

  /** A config came that cannot be read at all; the one in force stays. */
  unreadable(): void {
    this.#rejected.unread(this.proxies[0]?.name ?? "");
  }

  /** Address on which a proxy listens; undefined if it does not. */
  address(proxy: string): string | undefined {
    return this.#listeners.get(proxy)?.port?.address;
  }

  /** Port on which a proxy listens; undefined if it does not. */
  port(proxy: string): number | undefined {
    return this.#listeners.get(proxy)?.port?.number;
  }

  /** Parses a config, which `apply` then puts in force, or rejects. Calls of the two must not overlap. */
  read(raw: RawUpdate): Promise<Update | InvalidUpdate> {
    return this.#reader.read(raw, new Slices(this.#options.clock));
  }

  /**
   * Puts configs of different proxies in force together, so that they may swap ports; says of each why not, where it
   * cannot be, and leaves that proxy as it was. `leaving` are proxies that the caller removes right after: their ports
   * can be had. Resolves when every session has been looked at again. Calls must not overlap.
   */
  async apply(
    updates: readonly (Update | InvalidUpdate)[],
    leaving: ReadonlySet<string> = new Set(),
  ): Promise<Applied[]> {
    const slices = new Slices(this.#options.clock);
    const judged: (Candidate | Applied)[] = [];
    for (const update of updates) judged.push(await this.#judge(update, slices));
    const granted = await this.#grant(judged.filter(isCandidate), leaving);
    const before = this.#ports();
    const outcomes = judged.map((it) => (isCandidate(it) ? this.#settle(it, granted) : it));
    const now = new Set(this.#ports().values());
    for (const port of before.values()) if (!now.has(port)) port.close();
    // All are in force: what is still to do is to look at the sessions that were open before.
    for (const [index, it] of judged.entries()) {
      if (isCandidate(it) && outcomes[index]?.ok === true) await it.listener.proxy.review(slices);
    }
    return outcomes;
  }

  /** Changes nothing that is in force, unless it is only the endpoints that changed. */
  async #judge(update: Update | InvalidUpdate, slices: Slices): Promise<Candidate | Applied> {
    const { id, hash } = update;
    const rejected = (stage: RejectedConfig["stage"], problems: readonly string[]): Applied =>
      this.#rejected.add(id, { hash, stage, problems });
    if ("problems" in update) return rejected("config", update.problems);
    if (this.#stopping && !this.#listeners.has(id)) return rejected("listener", ["the gateway is shutting down"]);
    const { config, endpoints, endpointsHash } = update;
    const listener = this.#listeners.get(id) ?? (await this.#listener(id));
    const { proxy } = listener;
    if (proxy.snapshot?.hash === hash && listener.port !== undefined) {
      await proxy.setEndpoints(endpoints, endpointsHash, slices);
      return this.#rejected.inForce(id);
    }
    const certificate = listenerCertificate(config.listener, listener.keyPair);
    if (typeof certificate === "string") return rejected("listener", [certificate]);
    try {
      const snapshot = await proxy.prepare(config, hash, endpoints, slices);
      return { update, listener, snapshot, certificate };
    } catch (fault) {
      return rejected("config", [fault instanceof Error ? fault.message : String(fault)]);
    }
  }

  /** For each proxy that changes its port: the port, or why it cannot have it. */
  async #grant(
    candidates: readonly Candidate[],
    leaving: ReadonlySet<string>,
  ): Promise<ReadonlyMap<string, OpenPort | string>> {
    if (this.#stopping) return new Map(); // revocations still count, but no port opens or moves any more
    const wanted = new Map<string, PortAddress>();
    for (const { listener, snapshot } of candidates) {
      const { proxy } = listener;
      const { port } = snapshot.config.listener;
      const address = this.#options.bind(port);
      const same = proxy.snapshot?.config.listener.port === port || listener.port?.isAt(address) === true;
      if (listener.port === undefined || !same) wanted.set(proxy.name, address);
    }
    const open = this.#ports();
    const { descriptors } = this.#options;
    const granted = await grantPorts(wanted, open, leaving, { descriptors, evictions: this.#evictions });
    if (!this.#stopping) return granted;
    // The signal came while they were opened: nothing would close them any more.
    const before = new Set(open.values());
    for (const port of granted.values()) if (port instanceof OpenPort && !before.has(port)) port.close();
    return new Map();
  }

  #settle(
    { update, listener, snapshot, certificate }: Candidate,
    granted: ReadonlyMap<string, OpenPort | string>,
  ): Applied {
    const { proxy } = listener;
    const port = granted.get(proxy.name) ?? listener.port;
    if (typeof port === "string") {
      proxy.rollback();
      return this.#rejected.add(proxy.name, { hash: update.hash, stage: "listener", problems: [port] });
    }
    this.#listeners.set(proxy.name, listener);
    proxy.commit(snapshot, update.endpointsHash);
    if (port !== undefined && !this.#stopping) {
      for (const other of this.#listeners.values()) {
        if (other !== listener && other.port === port) other.handedOver();
      }
      listener.listen(port, certificate.keyPair);
      this.#options.metrics.certificate(proxy.name, certificate.validity);
    }
    return this.#rejected.inForce(proxy.name);
  }

  /**
   * The config of a proxy is gone: until one comes, the proxy has no route, and its listener stays open to say so.
   * Resolves when every session has been looked at again. Calls must not overlap with those of `apply`.
   */
  async removeConfig(id: string): Promise<void> {
    this.#rejected.nothing(id);
    this.#reader.forget(id);
    await this.#listeners.get(id)?.proxy.removeConfig(new Slices(this.#options.clock));
  }

  /** Takes a proxy out of service; its sessions end with 1001. */
  async remove(id: string): Promise<void> {
    this.#rejected.forget(id);
    this.#reader.forget(id);
    const listener = this.#listeners.get(id);
    if (listener === undefined) return;
    const { proxy } = listener;
    listener.port?.close();
    this.#listeners.delete(id);
    this.#options.metrics.proxyRemoved(id);
    this.#retiring.add(proxy);
    this.frames.hidePayload(id);
    await proxy.retire();
    this.#retiring.delete(proxy);
  }

  /**
   * Stops gracefully: not ready at once; the listeners stay open for `grace` ms, since load balancers take a while to
   * notice; then they close, and the sessions are closed over each proxy's drain period. While there is neither a session
   * nor a handshake, `idleGrace` counts instead of `grace`. `abort` ends all at once.
   */
  async drain(grace: number, abort: AbortSignal, idleGrace = grace): Promise<void> {
    this.#stopping = true;
    if (grace > 0 || idleGrace > 0) await this.#noticed(grace, idleGrace, abort);
    for (const { port } of this.#listeners.values()) port?.close();
    const proxies = [...this.proxies, ...this.#retiring];
    await Promise.all([this.#room.drain(abort), ...proxies.map((proxy) => proxy.drain(abort))]);
    await Promise.all(proxies.map((proxy) => proxy.destroy()));
  }

  /** Load balancers have had the time to notice. */
  async #noticed(grace: number, idleGrace: number, abort: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const begun = clock.now();
    const left = (): number => begun + (this.#busy ? grace : idleGrace) - clock.now();
    for (let wait = left(); wait > 0 && !abort.aborted; wait = left()) {
      await pause(grace === idleGrace ? wait : Math.min(wait, LOOK), clock, abort);
    }
  }

  get #busy(): boolean {
    const proxies = [...this.proxies, ...this.#retiring];
    return proxies.some(({ sessions, attempts }) => sessions.size > 0 || attempts > 0);
  }

  async #listener(id: string): Promise<ProxyListener> {
    return new ProxyListener(new ServedProxy(id, await this.#resources()), this.#room);
  }

  /** The ports that are open, by proxy. */
  #ports(): Map<string, OpenPort> {
    return new Map([...this.#listeners].flatMap(([id, { port }]) => (port === undefined ? [] : [[id, port]])));
  }
}

function isReady({ port, proxy }: ProxyListener): boolean {
  return port !== undefined && proxy.countsSettled;
}

function isCandidate(it: Candidate | Applied): it is Candidate {
  return "snapshot" in it;
}
