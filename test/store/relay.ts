import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { onTestFinished } from "vitest";
import { freePort } from "../fakes/program.ts";
import type { StoreServer } from "./server.ts";

/** From the client to the server, back, or both. */
export type Direction = "up" | "down" | "both";

/** What the thread of a relay is told. */
export type Order =
  | { readonly do: "latency"; readonly ms: number; readonly direction: Direction }
  | { readonly do: "loss"; readonly share: number; readonly direction: Direction }
  | { readonly do: "silence" | "lose"; readonly direction: Direction }
  | { readonly do: "heal" | "cut" | "refuse" | "accept" | "count" }
  | { readonly do: "lead"; readonly port: number };

/** Connections that are open now, and those that ever were. */
export interface RelayCount {
  readonly open: number;
  readonly ever: number;
}

/**
 * The network between a client and a store: TCP on loopback, in a thread of its own, so that it does its work while the
 * test's process is busy. Each order holds from when its promise resolves. Ends with the test at the latest.
 */
export class Relay {
  readonly port: number;
  readonly #worker: Worker;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(port: number, worker: Worker) {
    this.port = port;
    this.#worker = worker;
  }

  static async open(to: StoreServer): Promise<Relay> {
    const port = await freePort();
    const worker = new Worker(new URL("relay-main.ts", import.meta.url), { workerData: { port, to: to.port } });
    await once(worker, "message");
    const relay = new Relay(port, worker);
    try {
      onTestFinished(() => relay.close());
    } catch {
      // Not within one test: the file's afterAll closes it, else the end of the process.
    }
    return relay;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** What is sent arrives this much later, in its order. `both`: a round trip takes twice as long. */
  async latency(ms: number, direction: Direction = "both"): Promise<void> {
    await this.#order({ do: "latency", ms, direction });
  }

  /** This share of the packets is lost, and comes 200 ms later, as TCP sends it again; what is behind it waits for it. */
  async loss(share: number, direction: Direction = "both"): Promise<void> {
    await this.#order({ do: "loss", share, direction });
  }

  /** Nothing arrives, on new connections either, and no end hears of it; `heal` delivers it all, as TCP would. */
  async silence(direction: Direction = "both"): Promise<void> {
    await this.#order({ do: "silence", direction });
  }

  /** The connections that are open now are dead for good, and no end hears of it; new ones are as before. */
  async lose(direction: Direction = "both"): Promise<void> {
    await this.#order({ do: "lose", direction });
  }

  /** No latency, no loss, no silence, and connections are taken. What was lost stays lost. */
  async heal(): Promise<void> {
    await this.#order({ do: "heal" });
  }

  /** Resets the connections that are open now; both ends hear of it. */
  async cut(): Promise<void> {
    await this.#order({ do: "cut" });
  }

  /** New connections are refused; those that are open stay. */
  async refuse(): Promise<void> {
    await this.#order({ do: "refuse" });
  }

  /** New connections are taken again. */
  async accept(): Promise<void> {
    await this.#order({ do: "accept" });
  }

  /** New connections lead to this server, as when a Service or a name gets another address. */
  async lead(to: StoreServer): Promise<void> {
    await this.#order({ do: "lead", port: to.port });
  }

  async count(): Promise<RelayCount> {
    return (await this.#order({ do: "count" })) as RelayCount;
  }

  /** Idempotent. Both ends hear of it. */
  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  /** One after the other: each is answered by one message. */
  #order(order: Order): Promise<unknown> {
    this.#turn = this.#turn.then(async () => {
      const answered = once(this.#worker, "message");
      this.#worker.postMessage(order);
      const [answer] = (await answered) as [unknown];
      return answer;
    });
    return this.#turn;
  }
}
