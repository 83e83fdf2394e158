import { randomBytes } from "node:crypto";
import type { StoreConfig } from "../../../api/config.ts";
import type { Clock } from "../../../runtime/clock.ts";
import type { Log } from "../../../runtime/log.ts";
import type { Occupancy } from "../occupancy.ts";
import type { SharedBuckets, SharedPlaces } from "../shared-limits.ts";
import type { Store } from "../store-in-force.ts";
import { Unavailable, type Link } from "./link.ts";
import { Ledger } from "./places.ts";
import { Pockets } from "./pockets.ts";
import { StoreLink, type StoreLinkOptions } from "./store-link.ts";

/** How long a process that starts waits for its store before it takes clients without it, in ms. */
const PATIENCE = 5_000;
/** Random bytes of a process's id: it stands in the hash of each subject, so it is short, and no two are alike. */
const ID_BYTES = 9;

export interface SharedStoreOptions {
  /** `<namespace>/<name>` */
  readonly proxy: string;
  /** The open sessions of the proxy in this process. */
  readonly occupancy: Occupancy;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: StoreLinkOptions["metrics"];
}

/** The counts of one proxy in a Redis-compatible server. */
export class SharedStore implements Store {
  readonly places: SharedPlaces;
  readonly pockets: SharedBuckets;
  readonly #options: SharedStoreOptions;
  readonly #ledger: Ledger;
  readonly #pockets: Pockets;
  readonly #since: number;
  #link: StoreLink | undefined;
  #whenUnavailable: StoreConfig["whenUnavailable"] = "PerPod";
  #wasAvailable = false;
  #closing: Promise<void> | undefined;

  constructor(options: SharedStoreOptions) {
    const { proxy, occupancy, clock } = options;
    const common = { link: () => this.#link ?? UNDIALLED, prefix: `{${proxy}}:`, clock };
    const process = randomBytes(ID_BYTES).toString("base64url");
    this.places = this.#ledger = new Ledger({ ...common, occupancy, incarnation: process });
    this.pockets = this.#pockets = new Pockets({ ...common, id: process });
    this.#options = options;
    this.#since = clock.now();
  }

  get available(): boolean {
    return this.#closing === undefined && this.#link?.available === true;
  }

  get whenUnavailable(): StoreConfig["whenUnavailable"] {
    return this.#whenUnavailable;
  }

  get settled(): boolean {
    return this.#wasAvailable || this.#options.clock.now() - this.#since >= PATIENCE;
  }

  configure({ whenUnavailable, ...settings }: StoreConfig): void {
    if (this.#closing !== undefined) return;
    this.#whenUnavailable = whenUnavailable;
    if (this.#link !== undefined) return this.#link.configure(settings);
    const { proxy, clock, log, metrics } = this.#options;
    this.#link = new StoreLink({
      ...{ settings, clock, log, metrics, proxy },
      join: () => this.#ledger.join(),
      changed: () => {
        this.#wasAvailable ||= this.available;
      },
    });
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    await Promise.all([this.#pockets.close(), this.#ledger.close()]);
    this.#link?.close();
  }
}

const UNDIALLED: Link = {
  available: false,
  call: () => Promise.reject(new Unavailable("it was not dialled yet")),
  rejoin: () => Promise.resolve(),
};
