import { keyOf } from "../fakes/api-keys.ts";
import type { Cluster } from "./cluster.ts";
import type { Session } from "./session.ts";
import { apiKeys } from "./workloads.ts";

/** Messages of the slow session that are on their way at the most. */
const WAITING = 10;

/** Clients that do all that a metric is about, on the routes `main` (with a limit of message size), `slow` and `empty`. */
export class ObservedTraffic {
  readonly #cluster: Cluster;
  readonly #namespace: string;
  readonly #url: string;
  readonly #tooLong: string;

  constructor(cluster: Cluster, namespace: string, url: string, longest: number) {
    this.#cluster = cluster;
    this.#namespace = namespace;
    this.#url = url;
    this.#tooLong = "x".repeat(longest + 1);
  }

  /** Clients come and go until aborted; one stays. All that was sent has come back then. */
  async run(signal: AbortSignal): Promise<void> {
    const stays = await this.#open("slow", "bob");
    await Promise.all([this.#comeAndGo(stays, signal), this.#loseTheirKey(signal)]);
    await stays.message(stays.entry.sent.length);
  }

  async #comeAndGo(stays: Session, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await Promise.all([this.#talks(), this.#isTooLong(), this.#isRefused()]);
      while (stays.entry.sent.length - stays.entry.received.length < WAITING) stays.send("more than the limit admits");
    }
  }

  async #talks(): Promise<void> {
    const session = await this.#open("main", "alice");
    for (const word of ["a", "little", "talk"]) await session.echo(word);
    await session.close();
  }

  async #isTooLong(): Promise<void> {
    const session = await this.#open("main", "alice");
    session.send(this.#tooLong);
    await session.ended();
  }

  async #isRefused(): Promise<void> {
    const unnamed = { as: "no client" };
    const alice = { as: "alice", headers: { "x-api-key": keyOf("alice") } };
    await Promise.all([
      this.#cluster.ledger.dial(`${this.#url}/main`, unnamed).refused(),
      this.#cluster.ledger.dial(`${this.#url}/empty`, alice).refused(),
      this.#cluster.ledger.dial(`${this.#url}/nowhere`, alice).refused(),
    ]);
  }

  /** A key comes, a session with it, and the key goes. */
  async #loseTheirKey(signal: AbortSignal): Promise<void> {
    for (let count = 1; !signal.aborted; count += 1) {
      const client = `short-${count}`;
      await this.#cluster.apply(this.#namespace, apiKeys(client, [client]));
      let session: Session | undefined;
      await this.#cluster.until(`${client} is let in`, async () => {
        session = await this.#open("main", client).catch(() => undefined);
        return session !== undefined;
      });
      await this.#cluster.kubectl("-n", this.#namespace, "delete", "secret", client);
      await session?.ended();
    }
  }

  #open(route: string, client: string): Promise<Session> {
    const headers = { "x-api-key": keyOf(client) };
    // Bytes are counted as they are on the wire: they are to be those of the texts.
    return this.#cluster.ledger.open(`${this.#url}/${route}`, { as: client, headers, perMessageDeflate: false });
  }
}
