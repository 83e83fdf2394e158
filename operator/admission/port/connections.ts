import type { Socket } from "node:net";
import { canonicalAddress } from "../../../runtime/canonical-address.ts";
import type { Clock, Timer } from "../../../runtime/clock.ts";

/** What a connection does: no request yet; a call under way; between two calls. */
export type Stage = "New" | "Busy" | "Idle";

/** Why the webhook closed a connection without an answer. */
export const CLOSED = ["Evicted", "Late", "NoCertificate", "TLS", "Pipelined", "Malformed"] as const;
export type Closed = (typeof CLOSED)[number];

/** Connections that are open at the same time; some 70 kB each. API servers have up to 200 writes under way, each. */
const MOST = 512;
/** How long a connection may be in a stage, in ms. TLS handshake and head of the first request: */
const HEAD = 5000;
/** Go closes an idle connection after 90 s: if we did it first, a call could meet the closing, and would fail. */
const IDLE = 120_000;

/** One connection, from its first byte on. */
export interface Connection {
  readonly socket: Socket;
  readonly address: string;
  stage: Stage | "Gone";
  timer: Timer | undefined;
}

/** The order in which connections of an address make room. */
const FIRST_TO_GO: readonly Stage[] = ["New", "Idle", "Busy"];

/**
 * The open connections, bounded in number and time. When there are too many, one of the address that has the most makes
 * room: first those that never brought a request, last those with a call under way, of each the one that was used longest
 * ago. So a flood from one address closes no connection of an API server.
 */
export class Connections {
  readonly #clock: Clock;
  readonly #closed: (why: Closed) => void;
  readonly #byAddress = new Map<string, Record<Stage, Set<Connection>>>();
  #size = 0;
  #emptied = (): void => {};

  constructor(clock: Clock, closed: (why: Closed) => void) {
    this.#clock = clock;
    this.#closed = closed;
  }

  get size(): number {
    return this.#size;
  }

  open(socket: Socket): Connection {
    const from = socket.remoteAddress ?? "";
    const address = canonicalAddress(from) ?? from;
    const connection: Connection = { socket, address, stage: "New", timer: undefined };
    this.#stagesOf(address).New.add(connection);
    this.#size += 1;
    socket.once("close", () => this.#forget(connection));
    this.#limit(connection, HEAD);
    if (this.#size > MOST) this.#evict();
    return connection;
  }

  /** A request has come, for which `ms` are left; then `overdue` is called. */
  busy(connection: Connection, ms: number, overdue?: () => void): void {
    this.#move(connection, "Busy");
    this.#limit(connection, ms, overdue);
  }

  /** The request is answered. */
  idle(connection: Connection): void {
    this.#move(connection, "Idle");
    this.#limit(connection, IDLE);
  }

  close(connection: Connection, why?: Closed): void {
    if (connection.stage === "Gone") return;
    if (why !== undefined) this.#closed(why);
    // At once: its close is told later, and until then it would be chosen again to make room.
    this.#forget(connection);
    connection.socket.destroy();
  }

  /** Closes those that have no call under way, or all. */
  closeAll(which: "Unused" | "All"): void {
    const all = [...this.#byAddress.values()].flatMap(({ New, Idle, Busy }) => [
      ...New,
      ...Idle,
      ...(which === "All" ? Busy : []),
    ]);
    for (const connection of all) this.close(connection);
  }

  /** Resolves when no connection is open. */
  empty(): Promise<void> {
    return new Promise((resolve) => {
      this.#emptied = resolve;
      if (this.#size === 0) resolve();
    });
  }

  #limit(connection: Connection, ms: number, overdue = (): void => this.close(connection, "Late")): void {
    connection.timer?.cancel();
    if (connection.stage !== "Gone") connection.timer = this.#clock.after(ms, overdue);
  }

  #stagesOf(address: string): Record<Stage, Set<Connection>> {
    const known = this.#byAddress.get(address);
    if (known !== undefined) return known;
    const made = { New: new Set<Connection>(), Idle: new Set<Connection>(), Busy: new Set<Connection>() };
    this.#byAddress.set(address, made);
    return made;
  }

  #move(connection: Connection, to: Stage): void {
    if (connection.stage === "Gone") return;
    const stages = this.#stagesOf(connection.address);
    stages[connection.stage].delete(connection);
    stages[to].add(connection);
    connection.stage = to;
  }

  #forget(connection: Connection): void {
    const { address, stage } = connection;
    if (stage === "Gone") return;
    connection.timer?.cancel();
    const stages = this.#stagesOf(address);
    stages[stage].delete(connection);
    if (count(stages) === 0) this.#byAddress.delete(address);
    connection.stage = "Gone";
    this.#size -= 1;
    if (this.#size === 0) this.#emptied();
  }

  #evict(): void {
    let most: Record<Stage, Set<Connection>> | undefined;
    for (const stages of this.#byAddress.values()) if (most === undefined || count(stages) > count(most)) most = stages;
    for (const stage of FIRST_TO_GO) {
      const [oldest] = most?.[stage] ?? [];
      if (oldest === undefined) continue;
      this.close(oldest, "Evicted");
      return;
    }
  }
}

function count({ New, Idle, Busy }: Record<Stage, Set<Connection>>): number {
  return New.size + Idle.size + Busy.size;
}
