import type { StoreConfig } from "../../api/config.ts";
import { Relay } from "../store/relay.ts";
import type { StoreServer } from "../store/server.ts";
import { keyOf, withKeys } from "./api-keys.ts";
import type { ConfigParts, RouteParts } from "./config.ts";
import { GatewayProcess, type ProcessLine } from "./gateway-process.ts";
import { PodPast } from "./session-history.ts";
import { until } from "./sockets.ts";
import { now, Visit } from "./visits.ts";

export interface FleetParts {
  readonly pods: number;
  readonly store: StoreServer;
  /** Beside the address, which is that of the pod's relay. */
  readonly settings?: Partial<Omit<StoreConfig, "address">>;
  readonly routes: readonly RouteParts[];
  /** Ports of the backend `echo:80`. */
  readonly backends: readonly number[];
}

/** Client ids that a fleet's routes know, each with its `keyOf`. */
export const CLIENTS = Array.from({ length: 12 }, (_, n) => `client-${n}`);

/** Its clients answer none. */
export const NO_PINGS = { interval: "0s", timeout: "10s", strict: false };

/** A route of a fleet: its clients have keys, and the policies are those of all routes. */
export function fleetRoute(name: string, policies: object): RouteParts {
  return {
    name,
    path: { type: "Prefix", value: `/${name}` },
    policies: { ...withKeys(CLIENTS), keepalive: NO_PINGS, ...policies },
    ownPolicies: [],
  };
}

/** A gateway of a fleet, in a process of its own, with its own way to the store. */
export class FleetPod {
  readonly gateway: GatewayProcess;
  readonly relay: Relay;
  readonly past = new PodPast();
  readonly visits: Visit[] = [];
  readonly lines: ProcessLine[] = [];

  constructor(gateway: GatewayProcess, relay: Relay) {
    this.gateway = gateway;
    this.relay = relay;
  }

  /** A handshake of this client, once it is answered. */
  async visit(client: string, target = "/", address = "192.0.2.1"): Promise<Visit> {
    const headers = { "X-Api-Key": keyOf(client), "X-Forwarded-For": address };
    const visit = await Visit.of({ port: this.gateway.port, client, target, headers });
    if (visit.status === 101) this.visits.push(visit);
    return visit;
  }

  /** The same, again while the store is late: on a machine without a free core it may be for a moment. */
  async decided(client: string, target: string): Promise<Visit> {
    let visit = await this.visit(client, target);
    await until("the store decides", async () => {
      if (visit.reason === "StoreUnavailable") visit = await this.visit(client, target);
      return visit.reason !== "StoreUnavailable";
    });
    return visit;
  }

  get open(): Visit[] {
    return this.visits.filter(({ open }) => open);
  }

  /** Clients of sessions that ended, though their clients did not end them. */
  get lost(): string[] {
    return this.visits.filter(({ open, left }) => !open && !left).map(({ client }) => client);
  }

  /** Reads what it has logged, and what that says about its part in the counting. */
  async listen(): Promise<void> {
    const lines = await this.gateway.lines();
    this.lines.push(...lines);
    for (const { at, message } of lines) {
      if (message === "store available") this.past.sure(at);
      if (message === "store unavailable") this.past.doubt(at);
    }
  }

  async available(): Promise<boolean> {
    return (await this.gateway.metric("store_available")) === 1;
  }

  /** Requests to the store so far, of this result or of all. */
  requests(labels: Readonly<Record<string, string>> = {}): Promise<number> {
    return this.gateway.metric("store_requests_total", labels);
  }

  /** Those that the store did not answer, or not in time. Not a difference: calls go on between two looks at the metrics. */
  async unanswered(labels: Readonly<Record<string, string>> = {}): Promise<number> {
    return (
      (await this.requests({ ...labels, result: "Late" })) + (await this.requests({ ...labels, result: "Failed" }))
    );
  }

  /** Cuts it off from the store: both ends hear of it. */
  async cut(): Promise<void> {
    this.past.doubt(now());
    await this.relay.refuse();
    await this.relay.cut();
  }
}

/** Several gateways that count in one store. Ends with `close`. */
export class Fleet {
  readonly pods: FleetPod[] = [];
  readonly parts: FleetParts;

  private constructor(parts: FleetParts) {
    this.parts = parts;
  }

  /** Once all gateways count in the store. */
  static async start(parts: FleetParts): Promise<Fleet> {
    const fleet = new Fleet(parts);
    await Promise.all(Array.from({ length: parts.pods }, () => fleet.join()));
    await fleet.counts();
    return fleet;
  }

  /** One more gateway, or one in the place of another. */
  async join(instead?: FleetPod): Promise<FleetPod> {
    const relay = instead?.relay ?? (await Relay.open(this.parts.store));
    const config = this.config(relay.address);
    const gateway = await GatewayProcess.start({ config, ports: this.parts.backends, watched: true });
    const pod = new FleetPod(gateway, relay);
    const place = instead === undefined ? -1 : this.pods.indexOf(instead);
    if (place === -1) this.pods.push(pod);
    else this.pods[place] = pod;
    return pod;
  }

  /** Config of a pod that reaches the store at this address. */
  config(address: string, settings: Partial<StoreConfig> = {}): ConfigParts {
    const { routes, settings: own } = this.parts;
    return {
      access: "None",
      trustedProxies: ["127.0.0.1"],
      store: { ...own, address, ...settings },
      routes,
    };
  }

  /** Resolves when each gateway can ask the store. */
  async counts(ms = 15_000): Promise<void> {
    await until(
      "all gateways count in the store",
      async () => (await Promise.all(this.pods.map((pod) => pod.available()))).every(Boolean),
      ms,
    );
    await this.listen();
  }

  async listen(): Promise<void> {
    await Promise.all(this.pods.map((pod) => pod.listen()));
  }

  get open(): Visit[] {
    return this.pods.flatMap(({ open }) => open);
  }

  /** All clients leave. */
  async empty(): Promise<void> {
    for (const visit of this.open) visit.leave();
    await until("the gateways have no session left", async () => {
      const left = await Promise.all(this.pods.map(({ gateway }) => gateway.metric("connections")));
      return left.every((sessions) => sessions === 0);
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.pods.map(({ gateway }) => gateway.close()));
    await Promise.all(this.pods.map(({ relay }) => relay.close()));
  }
}
