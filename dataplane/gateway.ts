import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import * as api from "../api/config.ts";
import { problemsOf } from "../api/problem.ts";
import { pause } from "../runtime/pause.ts";
import type { ReadPath } from "./tunnel/byte-source.ts";
import { Listener, type KeyPair } from "./listener.ts";
import { chooseReadPath } from "./tunnel/read-path.ts";
import { ServedProxy, type Surroundings } from "./served-proxy.ts";
import type { Snapshot } from "./snapshot.ts";
import { upgrade } from "./upgrade.ts";

/** A rendered config as it was read, not yet believed. */
export interface Update {
  readonly config: unknown;
  readonly endpoints: unknown;
  /** SHA-256 of the config's text, as whoever rendered it reports it. */
  readonly hash: string;
  /** SHA-256 of the endpoints' text. */
  readonly endpointsHash: string;
}

/** Why a config is not in force. */
export interface Rejection {
  readonly stage: "config" | "listener";
  readonly problems: readonly string[];
}

export type Applied =
  | { readonly ok: true; readonly proxy: string }
  | ({ readonly ok: false; readonly proxy: string } & Rejection);

export interface GatewayOptions extends Omit<Surroundings, "reads"> {
  /** Address and port on which a proxy's listener opens. */
  readonly bind: (port: number) => { readonly host: string; readonly port: number };
  /** How sockets are read after their handshakes; absent: what this Node is found fit for. */
  readonly reads?: ReadPath;
}

interface Service {
  readonly proxy: ServedProxy;
  listener: Listener | undefined;
  keyPair: KeyPair | undefined;
}

/** The data plane: puts rendered configs in force, keeps the last good one of each proxy, and stops gracefully. */
export class Gateway {
  readonly #services = new Map<string, Service>();
  /** Removed, with sessions that have not ended yet. */
  readonly #retiring = new Set<ServedProxy>();
  readonly #rejections = new Map<string, Rejection & { readonly hash: string }>();
  readonly #options: GatewayOptions;
  #reads: ReadPath | undefined;
  #stopping = false;

  constructor(options: GatewayOptions) {
    this.#options = options;
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
    return !this.#stopping && services.length > 0 && services.every(({ listener }) => listener !== undefined);
  }

  /** Address on which a proxy listens; undefined if it does not. */
  address(proxy: string): string | undefined {
    return this.#services.get(proxy)?.listener?.address;
  }

  /** Port on which a proxy listens; undefined if it does not. */
  port(proxy: string): number | undefined {
    return this.#services.get(proxy)?.listener?.port;
  }

  /** Puts a config in force, or says why not and leaves everything as it was. Calls must not overlap. */
  async apply(update: Update): Promise<Applied> {
    const applied = await this.#apply(update);
    const { proxy } = applied;
    if (applied.ok) this.#rejections.delete(proxy);
    else {
      this.#options.metrics.configRejected(proxy);
      const { stage, problems } = applied;
      if (proxy !== "") this.#rejections.set(proxy, { hash: update.hash, stage, problems });
    }
    return applied;
  }

  async #apply(update: Update): Promise<Applied> {
    const config = api.config.safeParse(update.config);
    const endpoints = api.endpoints.safeParse(update.endpoints);
    if (!config.success || !endpoints.success) {
      const problems = [
        ...(config.success ? [] : problemsOf(config.error, "config", "Invalid")),
        ...(endpoints.success ? [] : problemsOf(endpoints.error, "endpoints", "Invalid")),
      ].map(({ at, message }) => `${at}: ${message}`);
      return rejected(nameIn(update.config), "config", problems);
    }
    const { namespace, name } = config.data.proxy;
    const id = `${namespace}/${name}`;
    if (this.#stopping && !this.#services.has(id)) return rejected(id, "listener", ["the gateway is shutting down"]);
    const service = this.#services.get(id) ?? (await this.#service(id));
    if (service.proxy.snapshot?.hash === update.hash && service.listener !== undefined) {
      service.proxy.setEndpoints(endpoints.data, update.endpointsHash);
      return { ok: true, proxy: id };
    }
    let snapshot: Snapshot;
    try {
      snapshot = service.proxy.prepare(config.data, update.hash, endpoints.data);
    } catch (fault) {
      return rejected(id, "config", [fault instanceof Error ? fault.message : String(fault)]);
    }
    const problem = await this.#listen(service, config.data, snapshot);
    if (problem !== undefined) {
      service.proxy.rollback();
      return rejected(id, "listener", [problem]);
    }
    this.#services.set(id, service);
    service.proxy.commit(snapshot, update.endpointsHash);
    return { ok: true, proxy: id };
  }

  /** Takes a proxy out of service; its sessions end with 1001. */
  async remove(id: string): Promise<void> {
    this.#rejections.delete(id);
    const service = this.#services.get(id);
    if (service === undefined) return;
    service.listener?.close();
    this.#services.delete(id);
    this.#options.metrics.proxyRemoved(id);
    this.#retiring.add(service.proxy);
    await service.proxy.retire();
    this.#retiring.delete(service.proxy);
  }

  /**
   * Stops gracefully: not ready at once; the listeners stay open for `grace` ms, since whoever sends clients here learns
   * of it late; then they close, and the sessions are closed over each proxy's drain period. `abort` ends all at once.
   */
  async drain(grace: number, abort: AbortSignal): Promise<void> {
    this.#stopping = true;
    if (grace > 0) await pause(grace, this.#options.clock, abort);
    const services = [...this.#services.values()];
    for (const { listener } of services) listener?.close();
    const proxies = [...services.map(({ proxy }) => proxy), ...this.#retiring];
    await Promise.all(proxies.map((proxy) => proxy.drain(abort)));
    for (const proxy of proxies) proxy.destroy();
  }

  async #service(id: string): Promise<Service> {
    const { clock, log, metrics, reads } = this.#options;
    if (this.#reads === undefined) {
      this.#reads = reads ?? (await chooseReadPath(clock));
      metrics.readPath(this.#reads.name);
      if (this.#reads.name === "data") log.warn({}, "sockets are read through data events: each message costs more");
    }
    const proxy = new ServedProxy(id, { ...this.#options, reads: this.#reads });
    return { proxy, listener: undefined, keyPair: undefined };
  }

  /** Opens, moves or keeps the listener; says what is wrong if that cannot be. */
  async #listen(service: Service, config: api.Config, snapshot: Snapshot): Promise<string | undefined> {
    const { tls, port } = config.listener;
    const keyPair = tls === undefined ? undefined : (tls.keyPair ?? service.keyPair);
    if (tls !== undefined && keyPair === undefined)
      return "the listener's certificate is missing: see spec.listener.tls.secretName";
    const before = service.proxy.snapshot?.config.listener;
    const moved = before?.port !== port || (before.tls === undefined) !== (tls === undefined);
    const expiry = keyPair === undefined ? undefined : expiryOf(keyPair);
    if (expiry instanceof Error) return `the listener's certificate cannot be used: ${expiry.message}`;
    if (this.#stopping) return undefined; // revocations still count, but no port opens or moves any more
    if (service.listener !== undefined && !moved) {
      if (keyPair !== undefined) service.listener.rotate(keyPair);
    } else {
      const problem = await this.#open(service, snapshot, keyPair, before?.port === port);
      if (problem !== undefined) return problem;
    }
    service.keyPair = keyPair;
    this.#options.metrics.certificateExpiry(service.proxy.name, expiry);
    return undefined;
  }

  async #open(
    service: Service,
    snapshot: Snapshot,
    keyPair: KeyPair | undefined,
    samePort: boolean,
  ): Promise<string | undefined> {
    const { proxy } = service;
    const { clock, bind } = this.#options;
    const listener = new Listener({
      ...bind(snapshot.config.listener.port),
      keyPair,
      clock,
      handshakeTimeout: () => (proxy.snapshot ?? snapshot).handshakeTimeout,
      arrived: (client) => void upgrade(client, proxy),
      broken: (socket, refusal) => {
        const attempt = proxy.begin(socket);
        attempt.refuse(refusal);
        attempt.end();
      },
    });
    const old = service.listener;
    if (samePort) old?.close(); // ws becomes wss or back: the port cannot be open twice
    const failure = await listener.open();
    if (failure !== undefined) {
      if (samePort && (await old?.open()) !== undefined) service.listener = undefined; // tried again with each update
      return failure.problem;
    }
    if (this.#stopping) {
      listener.close(); // the signal came while it opened: nobody would close it any more
      return undefined;
    }
    old?.close();
    service.listener = listener;
    return undefined;
  }
}

function rejected(proxy: string, stage: Rejection["stage"], problems: readonly string[]): Applied {
  return { ok: false, proxy, stage, problems };
}

/** When the certificate expires; an error where TLS could not be spoken with it. */
function expiryOf({ certificate, privateKey }: KeyPair): number | Error {
  try {
    createSecureContext({ cert: certificate, key: privateKey });
    return Date.parse(new X509Certificate(certificate).validTo);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** The name in a config that is not believed otherwise: for the metric only. */
function nameIn(config: unknown): string {
  const proxy = api.config.shape.proxy.safeParse((config as { proxy?: unknown } | null)?.proxy);
  return proxy.success ? `${proxy.data.namespace}/${proxy.data.name}` : "";
}
