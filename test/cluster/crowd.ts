import { setTimeout as sleep } from "node:timers/promises";
import type { Stage } from "./cluster.ts";
import type { Session } from "./session.ts";

/** Between two tries of a client that is not let in, in ms. */
const AGAIN = 100;
/** Between two messages of one client, in ms. */
const TALK = 1000;

/**
 * Clients that stay, talking now and then, each with an address of its own (`X-Forwarded-For`, in the ledger as `as`). One
 * whose session ends comes back at once, until they are dispersed or the scenario is over.
 */
export class Crowd {
  readonly #cluster: Stage;
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #members = new Map<string, Session>();
  /** How long those that came back were away, in ms. */
  readonly away: number[] = [];
  #over = false;

  private constructor(cluster: Stage, url: string, headers: Readonly<Record<string, string>>) {
    this.#cluster = cluster;
    this.#url = url;
    this.#headers = headers;
  }

  /** Resolves when all are there. */
  static async gather(
    cluster: Stage,
    url: string,
    size: number,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Crowd> {
    const crowd = new Crowd(cluster, url, headers);
    for (let index = 0; index < size; index += 1) await crowd.#enter(`198.18.0.${index + 1}`);
    return crowd;
  }

  /** Each one's session of now. */
  get sessions(): Session[] {
    return [...this.#members.values()];
  }

  get whole(): boolean {
    return this.sessions.every(({ isOpen }) => isOpen);
  }

  /** From now on a client that is sent away stays away. */
  disperse(): void {
    this.#over = true;
    for (const session of this.sessions) session.silence();
  }

  async #enter(as: string): Promise<void> {
    const headers = { ...this.#headers, "x-forwarded-for": as };
    const session = await this.#cluster.ledger.open(this.#url, { as, headers });
    this.#members.set(as, session);
    session.talk(TALK).socket.once("close", () => void this.#comeBack(as));
  }

  async #comeBack(as: string): Promise<void> {
    for (const left = Date.now(); !this.#over && !this.#cluster.signal.aborted; await sleep(AGAIN)) {
      const entered = await this.#enter(as).then(
        () => true,
        () => false,
      );
      if (entered) {
        this.away.push(Date.now() - left);
        return;
      }
    }
  }
}
