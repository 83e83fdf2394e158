import { idOf, type StoreCluster } from "./cluster.ts";
import type { StoreServer } from "./server.ts";

/**
 * A slot on its way from one master to another. Until `finish`, the old one answers for keys that are still there, ASK for
 * those that are not, and TRYAGAIN for commands with some of both (6.2: ASK).
 */
export class SlotMove {
  readonly slot: number;
  readonly from: StoreServer;
  readonly to: StoreServer;
  readonly #cluster: StoreCluster;
  readonly #password: string | undefined;

  private constructor(cluster: StoreCluster, slot: number, from: StoreServer, to: StoreServer, password?: string) {
    this.#cluster = cluster;
    this.slot = slot;
    this.from = from;
    this.to = to;
    this.#password = password;
  }

  /** The slot of this key begins to move; no key has moved yet. */
  static async begin(cluster: StoreCluster, key: string, to?: StoreServer): Promise<SlotMove> {
    const from = await cluster.ownerOf(key);
    const move = new SlotMove(
      cluster,
      await cluster.slotOf(key),
      from,
      to ?? (await cluster.otherThan(key)),
      from.options.password,
    );
    await move.to.ask("CLUSTER", "SETSLOT", String(move.slot), "IMPORTING", await idOf(from));
    await from.ask("CLUSTER", "SETSLOT", String(move.slot), "MIGRATING", await idOf(move.to));
    return move;
  }

  /** Keys of the slot that the old master still holds. */
  async left(): Promise<readonly string[]> {
    return (await this.from.ask("CLUSTER", "GETKEYSINSLOT", String(this.slot), "100000")) as string[];
  }

  /** Moves these keys. */
  async carry(...keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    const login = this.#password === undefined ? [] : ["AUTH", this.#password];
    const to = ["127.0.0.1", String(this.to.port), "", "0", "5000"];
    await this.from.ask("MIGRATE", ...to, ...login, "KEYS", ...keys);
  }

  /** Moves what is left; from now on the old master answers MOVED. */
  async finish(): Promise<void> {
    await this.carry(...(await this.left()));
    const id = await idOf(this.to);
    const others = this.#cluster.masters.filter((one) => one !== this.to && one !== this.from && one.running);
    for (const one of [this.to, this.from, ...others])
      await one.ask("CLUSTER", "SETSLOT", String(this.slot), "NODE", id);
  }
}
