import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { Evictions } from "../../dataplane/process/evictions.ts";
import { Metrics } from "../../dataplane/metrics.ts";
import type { Host } from "../../dataplane/waiting/newcomer.ts";
import { WaitingRoom } from "../../dataplane/waiting/waiting-room.ts";
import { FakeClock } from "./clock.ts";
import { silentLog } from "./log.ts";

/** Of a socket, what the room looks at. */
class Visitor extends EventEmitter {
  destroyed = false;
  reading = false;
  readonly said: Buffer[] = [];
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly localAddress = "192.0.2.80";
  readonly localPort = 8080;

  constructor(address: string | undefined, port: number | undefined) {
    super();
    this.remoteAddress = address;
    this.remotePort = port;
  }

  /** The client sends something, and the socket is read. */
  say(text: string): void {
    if (!this.reading) throw new Error("not read");
    this.emit("data", Buffer.from(text));
  }

  pause(): void {
    this.reading = false;
  }

  resume(): void {
    this.reading = true;
  }

  unshift(chunk: Buffer): void {
    this.said.unshift(chunk);
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.emit("close");
  }
}

/** What the test has and the room is given. */
export type Both = Visitor & Socket;
let ports = 0;
export const visitor = (address: string | undefined = "192.0.2.1", port: number | undefined = (ports += 1)): Both =>
  new Visitor(address, port) as unknown as Both;

/** A waiting room with what its sockets are told. */
export class WaitingBench {
  readonly clock = new FakeClock();
  readonly metrics = new Metrics();
  readonly spoke: Socket[] = [];
  readonly overdue: Socket[] = [];
  readonly trusted = new Set<string>();
  readonly room: WaitingRoom;
  readonly host: Host;

  constructor(timeout = 1000, tls = false) {
    this.room = new WaitingRoom(this.clock, new Evictions(this.clock, silentLog, this.metrics.process));
    this.host = {
      tls,
      trusts: (address) => this.trusted.has(address),
      timeout: () => timeout,
      spoke: (socket) => this.spoke.push(socket),
      overdue: (socket) => this.overdue.push(socket),
    };
  }

  /** So many from these addresses, in this order. */
  enter(count: number, address: (n: number) => string = () => "192.0.2.1"): Both[] {
    const visitors = Array.from({ length: count }, (_, n) => visitor(address(n)));
    for (const socket of visitors) this.room.enter(socket, this.host);
    return visitors;
  }

  get counts(): { reading: number; unread: number } {
    return { reading: this.room.reading, unread: this.room.unread };
  }

  async evicted(): Promise<number> {
    const [metric] = (await this.metrics.registry.getMetricsAsJSON()).filter(
      ({ name }) => name === "wsproxy_evicted_sockets_total",
    );
    return (metric?.values ?? []).reduce((sum, { value }) => sum + value, 0);
  }
}

/** So many turns of the event loop. */
export async function turns(count = 100): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

export const isRead = (visitors: readonly Both[]): number => visitors.filter(({ reading }) => reading).length;
export const manyAddresses = (n: number): string => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`;
