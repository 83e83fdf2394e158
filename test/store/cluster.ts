import { until } from "../fakes/sockets.ts";
import type { StoreDemands } from "./demands.ts";
import { ANY_STORE } from "./programs.ts";
import { StoreServer } from "./server.ts";

/** Hash slots of every Cluster. */
const SLOTS = 16_384;
const CLUSTER = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"];

export interface ClusterOptions {
  readonly masters?: number;
  readonly program?: string;
  readonly demands?: StoreDemands;
  /** More of each node's command line. */
  readonly args?: readonly string[];
}

/** A Cluster on loopback, each node a process. A dead master's replica takes over by itself after some 3 seconds. */
export class StoreCluster {
  readonly masters: readonly StoreServer[];
  readonly replicas: StoreServer[] = [];
  readonly #options: ClusterOptions;

  private constructor(masters: readonly StoreServer[], options: ClusterOptions) {
    this.masters = masters;
    this.#options = options;
  }

  /** Resolves when every node serves, about 2 seconds later: a new node keeps its slots closed as long. */
  static async start(options: ClusterOptions = {}): Promise<StoreCluster> {
    const { masters: count = 3 } = options;
    const masters = await Promise.all(Array.from({ length: count }, () => node(options)));
    const cluster = new StoreCluster(masters, options);
    await Promise.all(masters.map((master, n) => furnish(master, n, count)));
    await introduce(masters);
    await cluster.settled();
    return cluster;
  }

  get nodes(): readonly StoreServer[] {
    return [...this.masters, ...this.replicas];
  }

  /** Resolves when every node that runs knows all of these and finds that every slot is served. */
  async settled(): Promise<void> {
    await this.#agree(`cluster_state:ok`, `cluster_known_nodes:${this.nodes.length}\r\n`);
  }

  slotOf(key: string): Promise<number> {
    return this.#first.ask("CLUSTER", "KEYSLOT", key).then(Number);
  }

  /** The master that serves the slot of this key, after every move and failover that the first node knows of. */
  async ownerOf(key: string): Promise<StoreServer> {
    const slot = await this.slotOf(key);
    const ranges = (await this.#first.ask("CLUSTER", "SLOTS")) as [number, number, [string, number]][];
    const range = ranges.find(([from, to]) => from <= slot && slot <= to);
    return this.#at(range?.[2][1]);
  }

  /** A master that does not serve this key. */
  async otherThan(key: string): Promise<StoreServer> {
    const owner = await this.ownerOf(key);
    const other = this.masters.find((master) => master !== owner);
    if (other === undefined) throw new Error("there is one master only");
    return other;
  }

  /** A new replica of this master. Resolves when it has all. */
  async replicaOf(master: StoreServer): Promise<StoreServer> {
    const replica = await node(this.#options);
    this.replicas.push(replica);
    await introduce(this.#running);
    await this.#agree(`cluster_known_nodes:${this.nodes.length}\r\n`);
    await replica.ask("CLUSTER", "REPLICATE", await idOf(master));
    await replica.follows();
    await until("every master knows the replica", async () => {
      const lists = await Promise.all(this.#running.map((one) => one.ask("CLUSTER", "NODES")));
      return lists.every((list) => new RegExp(`:${replica.port}@.* (?:myself,)?slave `).test(String(list)));
    });
    return replica;
  }

  /** Makes this replica the master. With its master dead too, at once, and without the others' votes. */
  async failover(replica: StoreServer, how: "inOrder" | "masterIsDead" = "inOrder"): Promise<void> {
    await replica.ask("CLUSTER", "FAILOVER", ...(how === "inOrder" ? [] : ["TAKEOVER"]));
    await until("the replica is master", async () => (await replica.info("role")) === "master");
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((one) => one.close()));
  }

  async #agree(...facts: readonly string[]): Promise<void> {
    for (const one of this.#running)
      await until(`the Cluster agrees on ${facts.join(", ")}`, async () => {
        const info = String(await one.ask("CLUSTER", "INFO"));
        return facts.every((fact) => info.includes(fact));
      });
  }

  get #running(): readonly StoreServer[] {
    return this.nodes.filter(({ running }) => running);
  }

  /** The first node that runs. */
  get #first(): StoreServer {
    const [first] = this.#running;
    if (first === undefined) throw new Error("no node runs");
    return first;
  }

  #at(port: number | undefined): StoreServer {
    const found = this.nodes.find((one) => one.port === port);
    if (found === undefined) throw new Error(`no node at ${port}`);
    return found;
  }
}

/** The name of a node in its Cluster. */
export const idOf = (one: StoreServer): Promise<string> => one.ask("CLUSTER", "MYID").then(String);

function node({ program = ANY_STORE.path, args = [], demands }: ClusterOptions): Promise<StoreServer> {
  return StoreServer.start([...CLUSTER, ...args], program, demands);
}

/** Gives the nth of `count` masters its share of the slots, and an epoch of its own, so that none has to be agreed upon. */
async function furnish(master: StoreServer, n: number, count: number): Promise<void> {
  const from = Math.floor((SLOTS * n) / count);
  const end = Math.floor((SLOTS * (n + 1)) / count);
  await master.ask("CLUSTER", "SET-CONFIG-EPOCH", String(n + 1));
  // CLUSTER ADDSLOTSRANGE came with 7.0.
  const slots = Array.from({ length: end - from }, (_, offset) => String(from + offset));
  await master.ask("CLUSTER", "ADDSLOTS", ...slots);
}

/** Each to each: gossip would take some seconds. */
async function introduce(nodes: readonly StoreServer[]): Promise<void> {
  for (const one of nodes)
    for (const other of nodes) if (one !== other) await one.ask("CLUSTER", "MEET", "127.0.0.1", String(other.port));
}
