import { pause } from "../runtime/loop/pause.ts";
import { Slices } from "../runtime/loop/slices.ts";
import { Spread } from "../runtime/loop/spread.ts";
import type { ReadPath } from "./tunnel/byte-source.ts";
import { certificateExpiry } from "./ports/certificate-expiry.ts";
import { Evictions } from "./process/evictions.ts";
import { grantPorts } from "./ports/handover/grant-ports.ts";
import { Listener, type KeyPair } from "./ports/listener.ts";
import { OpenPort, type PortAddress } from "./ports/open-port.ts";
import { PartialHeads } from "./waiting/partial-heads.ts";
import { LoopShare } from "../runtime/loop/loop-share.ts";
import { chooseReadPath } from "./tunnel/read-path.ts";
import { UpdateReader, type Update } from "./config/read-update.ts";
import { ServedProxy, type Surroundings } from "./served-proxy.ts";
import type { Snapshot } from "./config/snapshot.ts";
import { Subjects } from "./limits/subjects.ts";
import { upgrade } from "./handshake/upgrade.ts";
import { WaitingRoom } from "./waiting/waiting-room.ts";

/** Why a config is not in force. */
export interface Rejection {
  readonly stage: "config" | "listener";
  readonly problems: readonly string[];
}

export type Applied =
  | { readonly ok: true; readonly proxy: string }
  | ({ readonly ok: false; readonly proxy: string } & Rejection);

export interface GatewayOptions extends Omit<Surroundings, "reads" | "subjects" | "ends" | "loop"> {
  /** Address and port on which a proxy's listener opens. */
  readonly bind: (port: number) => PortAddress;
  /** How sockets are read after their handshakes; absent: what this Node is found fit for. */
  readonly reads?: ReadPath;
}

interface Service {
  readonly proxy: ServedProxy;
  port: OpenPort | undefined;
  /** What the port leads to. */
  listener: Listener | undefined;
  keyPair: KeyPair | undefined;
}

/** A config that takes force once its proxy has the port. */
interface Candidate {
  readonly update: Update;
  readonly service: Service;
  readonly snapshot: Snapshot;
  readonly keyPair: KeyPair | undefined;
  /** Of the certificate, in ms since the epoch. */
  readonly expiry: number | undefined;
}

/** The data plane: puts rendered configs in force, keeps the last good one of each proxy, and stops gracefully. */
export class Gateway {
  readonly #services = new Map<string, Service>();
  /** Removed, with sessions that have not ended yet. */
  readonly #retiring = new Set<ServedProxy>();
  readonly #rejections = new Map<string, Rejection & { readonly hash: string }>();
  readonly #options: GatewayOptions;
  readonly #subjects = new Subjects();
  readonly #reader = new UpdateReader();
  readonly #evictions: Evictions;
  /** One for all listeners. */
  readonly #room: WaitingRoom;
  readonly #ends: Spread;
  readonly #loop: LoopShare;
  #reads: ReadPath | undefined;
  #stopping = false;

  constructor(options: GatewayOptions) {
    const { clock, log, metrics, descriptors, budget } = options;
    this.#options = options;
    this.#evictions = new Evictions(clock, log, metrics.process);
    const room: WaitingRoom = new WaitingRoom(clock, this.#evictions, {
      descriptors: descriptors.most,
      headBegan: () => heads.begun(),
    });
    const heads = new PartialHeads(room, budget);
    this.#room = room;
    this.#ends = new Spread(clock);
    this.#loop = new LoopShare(clock);
    descriptors.relievedBy(() => room.evict());
    metrics.process.showSockets({ descriptors, room });
    metrics.process.subjects(this.#subjects);
  }

  /** Proxies in service, in the order in which they came. */
  get proxies(): readonly ServedProxy[] {
    return [...this.#services.values()].map(({ proxy }) => proxy);
  }

  /** By proxy: the config that came last, where it was refused. */
  get rejections(): ReadonlyMap<string, Rejection & { readonly hash: string }> {
    return this.#rejections;
  }

  /** Every proxy has a config in force and an open listener, and none is being drained. */
  get ready(): boolean {
    const services = [...this.#services.values()];
    return !this.#stopping && services.length > 0 && services.every(({ port }) => port !== undefined);
  }

  /** Address on which a proxy listens; undefined if it does not. */
  address(proxy: string): string | undefined {
    return this.#services.get(proxy)?.port?.address;
  }

  /** Port on which a proxy listens; undefined if it does not. */
  port(proxy: string): number | undefined {
    return this.#services.get(proxy)?.port?.number;
  }

  /**
   * Puts configs of different proxies in force together, so that they may swap ports; says of each why not, where it
   * cannot be, and leaves that proxy as it was. `leaving` are proxies that the caller removes right after: their ports
   * can be had. Resolves when every session has been looked at again. Calls must not overlap.
   */
  async apply(updates: readonly Update[], leaving: ReadonlySet<string> = new Set()): Promise<Applied[]> {
    const slices = new Slices(this.#options.clock);
    const judged: (Candidate | Applied)[] = [];
    for (const update of updates) judged.push(await this.#judge(update, slices));
    const candidates = judged.filter((it): it is Candidate => "snapshot" in it);
    const granted = await this.#grant(candidates, leaving);
    const before = this.#ports();
    const outcomes = judged.map((it) => ("snapshot" in it ? this.#settle(it, granted) : it));
    const now = new Set(this.#ports().values());
    for (const port of before.values()) if (!now.has(port)) port.close();
    // All are in force: what is still to do is to look at the sessions that were open before.
    for (const [index, outcome] of outcomes.entries()) {
      const it = judged[index];
      if (outcome.ok && it !== undefined && "snapshot" in it) await it.service.proxy.review(slices);
    }
    return outcomes;
  }

  /** Changes nothing that is in force, unless it is only the endpoints that changed. */
  async #judge(update: Update, slices: Slices): Promise<Candidate | Applied> {
    const read = await this.#reader.read(update, slices);
    const { id } = read;
    if ("problems" in read) return this.#rejected(id, update, "config", read.problems);
    if (this.#stopping && !this.#services.has(id)) {
      return this.#rejected(id, update, "listener", ["the gateway is shutting down"]);
    }
    const { config, endpoints } = read;
    const service = this.#services.get(id) ?? (await this.#service(id));
    if (service.proxy.snapshot?.hash === update.hash && service.port !== undefined) {
      await service.proxy.setEndpoints(endpoints, update.endpointsHash, slices);
      return this.#inForce(id);
    }
    const { tls } = config.listener;
    const keyPair = tls === undefined ? undefined : (tls.keyPair ?? service.keyPair);
    const expiry = keyPair === undefined ? undefined : certificateExpiry(keyPair);
    if (tls !== undefined && keyPair === undefined) {
      const missing = "the listener's certificate is missing: see spec.listener.tls.secretName";
      return this.#rejected(id, update, "listener", [missing]);
    }
    if (expiry instanceof Error) {
      const unusable = `the listener's certificate cannot be used: ${expiry.message}`;
      return this.#rejected(id, update, "listener", [unusable]);
    }
    try {
      const snapshot = await service.proxy.prepare(config, update.hash, endpoints, slices);
      return { update, service, snapshot, keyPair, expiry };
    } catch (fault) {
      return this.#rejected(id, update, "config", [fault instanceof Error ? fault.message : String(fault)]);
    }
  }

  /** A port, or what is wrong, for each that has to have another. */
  async #grant(
    candidates: readonly Candidate[],
    leaving: ReadonlySet<string>,
  ): Promise<ReadonlyMap<string, OpenPort | string>> {
    if (this.#stopping) return new Map(); // revocations still count, but no port opens or moves any more
    const wanted = new Map<string, PortAddress>();
    for (const { service, snapshot } of candidates) {
      const { port } = snapshot.config.listener;
      const stays = service.port !== undefined && service.proxy.snapshot?.config.listener.port === port;
      if (!stays) wanted.set(service.proxy.name, this.#options.bind(port));
    }
    const held = this.#ports();
    const granted = await grantPorts(wanted, held, leaving, {
      descriptors: this.#options.descriptors,
      evictions: this.#evictions,
    });
    if (!this.#stopping) return granted;
    // The signal came while they were opened: nothing would close them any more.
    const ours = new Set(held.values());
    for (const port of granted.values()) if (port instanceof OpenPort && !ours.has(port)) port.close();
    return new Map();
  }

  #settle(
    { update, service, snapshot, keyPair, expiry }: Candidate,
    granted: ReadonlyMap<string, OpenPort | string>,
  ): Applied {
    const { proxy } = service;
    const port = granted.get(proxy.name) ?? service.port;
    if (typeof port === "string") {
      proxy.rollback();
      return this.#rejected(proxy.name, update, "listener", [port]);
    }
    this.#services.set(proxy.name, service);
    proxy.commit(snapshot, update.endpointsHash);
    if (port !== undefined && !this.#stopping) {
      this.#listen(service, port, keyPair, snapshot);
      this.#options.metrics.certificateExpiry(proxy.name, expiry);
    }
    return this.#inForce(proxy.name);
  }

  /** Takes a proxy out of service; its sessions end with 1001. */
  async remove(id: string): Promise<void> {
    this.#rejections.delete(id);
    this.#reader.forget(id);
    const service = this.#services.get(id);
    if (service === undefined) return;
    service.port?.close();
    this.#services.delete(id);
    this.#options.metrics.proxyRemoved(id);
    this.#retiring.add(service.proxy);
    await service.proxy.retire();
    this.#retiring.delete(service.proxy);
  }

  /**
   * Stops gracefully: not ready at once; the listeners stay open for `grace` ms, since load balancers learn of it
   * late; then they close, and the sessions are closed over each proxy's drain period. `abort` ends all at once.
   */
  async drain(grace: number, abort: AbortSignal): Promise<void> {
    this.#stopping = true;
    if (grace > 0) await pause(grace, this.#options.clock, abort);
    const services = [...this.#services.values()];
    for (const { port } of services) port?.close();
    const proxies = [...services.map(({ proxy }) => proxy), ...this.#retiring];
    await Promise.all([this.#room.drain(abort), ...proxies.map((proxy) => proxy.drain(abort))]);
    for (const proxy of proxies) proxy.destroy();
  }

  async #service(id: string): Promise<Service> {
    const { clock, log, metrics, reads } = this.#options;
    if (this.#reads === undefined) {
      this.#reads = reads ?? (await chooseReadPath(clock));
      metrics.process.readPath(this.#reads.name);
      if (this.#reads.name === "data") log.warn({}, "sockets are read through data events: each message costs more");
    }
    const shared = { reads: this.#reads, subjects: this.#subjects, ends: this.#ends, loop: this.#loop };
    const proxy = new ServedProxy(id, { ...this.#options, ...shared });
    return { proxy, port: undefined, listener: undefined, keyPair: undefined };
  }

  /** Connections to this port are the proxy's from now on. */
  #listen(service: Service, port: OpenPort, keyPair: KeyPair | undefined, snapshot: Snapshot): void {
    const { proxy, listener } = service;
    const sameForm = (service.keyPair === undefined) === (keyPair === undefined);
    service.keyPair = keyPair;
    if (listener !== undefined && service.port === port && sameForm) {
      if (keyPair !== undefined) listener.rotate(keyPair);
      return;
    }
    for (const other of this.#services.values()) if (other.port === port) other.port = undefined;
    service.port = port;
    service.listener = new Listener({
      port: port.number,
      keyPair,
      room: this.#room,
      trusts: (address) => (proxy.snapshot ?? snapshot).trusted.has(address),
      handshakeTimeout: () => (proxy.snapshot ?? snapshot).handshakeTimeout,
      arrived: (client) => void upgrade(client, proxy),
      broken: (socket, refusal) => {
        const attempt = proxy.begin(socket);
        attempt.refuse(refusal);
        attempt.end();
      },
    });
    port.leadTo(service.listener);
  }

  /** The ports that are open, by proxy. */
  #ports(): Map<string, OpenPort> {
    return new Map([...this.#services].flatMap(([id, { port }]) => (port === undefined ? [] : [[id, port]])));
  }

  #inForce(proxy: string): Applied {
    this.#rejections.delete(proxy);
    return { ok: true, proxy };
  }

  #rejected(proxy: string, { hash }: Update, stage: Rejection["stage"], problems: readonly string[]): Applied {
    this.#options.metrics.configRejected(proxy);
    if (proxy !== "") this.#rejections.set(proxy, { hash, stage, problems });
    return { ok: false, proxy, stage, problems };
  }
}
