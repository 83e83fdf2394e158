import { setTimeout as sleep } from "node:timers/promises";
import { keyOf } from "../fakes/api-keys.ts";
import type { Stage } from "./cluster.ts";
import type { Session } from "./session.ts";

/** Between two rounds of a client that comes back, in ms. */
const AGAIN = 500;
/**
 * A gateway frees the place of a session that it ends as it sends the Close, and the 101 of the next session may overtake
 * that Close: it comes over another connection. So long a client waits for it, in ms.
 */
const OVERTAKEN = 250;

/**
 * Clients with keys that each hold as many sessions as they are permitted. They always try for more: that they hold no more is
 * the gateway's doing.
 */
export class Holders {
  readonly #stage: Stage;
  readonly #url: string;
  readonly #limit: number;
  readonly #held: ReadonlyMap<string, Set<Session>>;
  #rounds: Promise<void>[] = [];
  #over = false;
  /** The most sessions that one of them had open at the same time, without those whose Close was on its way. */
  most = 0;

  constructor(stage: Stage, url: string, clients: readonly string[], limit: number) {
    this.#stage = stage;
    this.#url = url;
    this.#limit = limit;
    this.#held = new Map(clients.map((client) => [client, new Set()]));
  }

  /** How many sessions each of them has open. */
  get counts(): number[] {
    return [...this.#held.keys()].map((client) => this.#open(client));
  }

  /** Each holds exactly what it is permitted. */
  get whole(): boolean {
    return this.counts.every((count) => count === this.#limit);
  }

  /**
   * Each tries so many sessions, all of them at the same time; one client begins after another, in this time of ms. Resolves when
   * each try has its answer.
   */
  async storm(tries: number, over = 0): Promise<void> {
    await Promise.all(
      this.#each(async (client, index) => {
        if (over > 0) await sleep((over * index) / this.#held.size);
        await this.#tries(client, tries);
      }),
    );
  }

  /** From now on each tries for what it lacks, and for one more, in rounds. */
  comeBack(): void {
    this.#over = false;
    this.#rounds = this.#each((client) => this.#goRound(client));
  }

  /** They try no more. */
  async rest(): Promise<void> {
    this.#over = true;
    await Promise.all(this.#rounds);
  }

  /** They end all that they hold, and begin anew. */
  async leave(): Promise<void> {
    await Promise.all(this.#each((client) => Promise.all([...this.#of(client)].map((session) => session.close()))));
    this.most = 0;
  }

  async #goRound(client: string): Promise<void> {
    await sleep(Math.random() * AGAIN);
    while (!this.#over && !this.#stage.signal.aborted) {
      await this.#tries(client, this.#limit - this.#open(client) + 1);
      await sleep(AGAIN);
    }
  }

  async #tries(client: string, tries: number): Promise<void> {
    await Promise.all(Array.from({ length: tries }, () => this.#try(client)));
  }

  async #try(client: string): Promise<void> {
    const held = this.#of(client);
    const session = this.#stage.ledger.dial(this.#url, { as: client, headers: { "x-api-key": keyOf(client) } });
    let beside: readonly Session[] = [];
    session.socket.once("open", () => {
      held.add(session);
      beside = [...held].filter(({ isOpen }) => isOpen);
    });
    session.socket.once("close", () => held.delete(session));
    await session.opened().catch(() => {}); // how it went is in the book
    if (beside.length > this.#limit) await sleep(OVERTAKEN);
    const stayed = beside.length > this.#limit ? beside.filter(({ isOpen }) => isOpen) : beside;
    this.most = Math.max(this.most, stayed.length);
  }

  #of(client: string): Set<Session> {
    return this.#held.get(client) ?? new Set();
  }

  /** One whose Close has come is open no more, before its socket ends. */
  #open(client: string): number {
    return [...this.#of(client)].filter(({ isOpen }) => isOpen).length;
  }

  #each<T>(work: (client: string, index: number) => T): T[] {
    return [...this.#held.keys()].map(work);
  }
}
