import { settled } from "./dataplane.ts";
import type { Cluster } from "./cluster.ts";
import { eventsOf } from "./proxy-events.ts";
import type { Session } from "./session.ts";
import { StatusHistory } from "./status-history.ts";

/** A proxy that was Programmed, with one client on it; and what its status and its Events say from then on. */
export class WatchedProxy {
  readonly url: string;
  readonly history: StatusHistory;
  /** Of a client that stays. */
  readonly session: Session;
  readonly #cluster: Cluster;
  readonly #place: readonly [namespace: string, name: string];
  readonly #known: number;

  private constructor(
    cluster: Cluster,
    place: readonly [namespace: string, name: string],
    url: string,
    history: StatusHistory,
    session: Session,
    known: number,
  ) {
    this.#cluster = cluster;
    this.#place = place;
    this.url = url;
    this.history = history;
    this.session = session;
    this.#known = known;
  }

  /** Applies it, and resolves when all of its pods serve it; its first client needs no credential. */
  static async make(
    cluster: Cluster,
    place: readonly [namespace: string, name: string],
    spec: object,
    replicas: number,
  ): Promise<WatchedProxy> {
    const [namespace, name] = place;
    const url = await cluster.proxy(namespace, name, spec);
    await settled(cluster, namespace, name, ({ length }) => length === replicas);
    await cluster.condition(namespace, name, "Programmed");
    const session = await cluster.ledger.open(url, { as: name });
    const history = await StatusHistory.follow(cluster, namespace, name);
    const { length } = await eventsOf(cluster, namespace, name);
    return new WatchedProxy(cluster, place, url, history, session, length);
  }

  /** Events that warn, since it was Programmed. */
  async warnings(): Promise<string[]> {
    return warningsIn((await eventsOf(this.#cluster, ...this.#place)).slice(this.#known));
  }

  /** The same, once there is one: an Event follows its status. */
  async firstWarnings(): Promise<string[]> {
    const warned = async (): Promise<boolean> => (await this.warnings()).length > 0;
    await this.#cluster.until(`an Event warns of ${this.#place.join("/")}`, warned);
    return this.warnings();
  }

  /** The client that stays is served, and another one that comes now. */
  async serves(session = this.session): Promise<void> {
    await session.echo("still here");
    const other = await this.#cluster.ledger.open(this.url, { as: "another client" });
    await other.echo("hello");
    await other.close();
  }
}

/** The events that warn. */
export function warningsIn(events: readonly string[]): string[] {
  return events.filter((event) => event.startsWith("Warning "));
}
