import type { Clock, Timer } from "../../../runtime/clock.ts";
import type { Log } from "../../../runtime/log.ts";
import { Breaker } from "./wire/breaker.ts";
import { Connection } from "./wire/connection.ts";
import { Deadline } from "./wire/deadline.ts";
import { causeOf, type Fault } from "./wire/faults.ts";
import { Unavailable, type Link } from "./link.ts";
import { OneLookup } from "./wire/one-lookup.ts";
import { LATE, runScript } from "./wire/script-call.ts";
import type { Script } from "./scripts/script.ts";
import { sameWay, targetOf, type Settings, type Target } from "./wire/settings.ts";
import { StateLog } from "./wire/state-log.ts";
import type { LinkMetrics, StoresMetrics } from "./link-metrics.ts";

/** Longest time of a call without any answer of the store, in ms. */
const DEADLINE = 50;
/** Time between two looks at a store that is unavailable, in ms. */
const PROBE = 250;
/** Answers that may be due at a time. */
const MOST_UNDER_WAY = 1_000;
/** Times in a row that a node may send the link to another one. */
const MOST_HOPS = 5;
/** The pause before the link connects again, in ms: the first, and the longest. A quarter of it more or less is chance. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 1_000;

export interface StoreLinkOptions {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: StoresMetrics;
  /** `namespace/name` */
  readonly proxy: string;
  /** Makes this process known to the store and publishes its counts, on every new connection. May reject. */
  readonly join: () => Promise<void>;
  /** `available` is another. */
  readonly changed?: () => void;
  readonly random?: () => number;
}

/**
 * The way to one proxy's store, over one connection. While nothing is asked of a store in trouble, the link looks at it
 * four times a second. A node of a cluster that says where the keys are is followed there; a node that is lost leads back
 * to the address of the settings.
 */
export class StoreLink implements Link {
  readonly #options: StoreLinkOptions;
  readonly #clock: Clock;
  readonly #metrics: LinkMetrics;
  readonly #log: StateLog;
  readonly #breaker = new Breaker();
  readonly #names = new OneLookup();
  #settings: Settings;
  #available = false;
  #connection: Connection | undefined;
  /** Where the next connection goes; undefined: to the address of the settings. */
  #moved: Target | undefined;
  #hops = 0;
  /** Connections in a row that made nothing available. */
  #failures = 0;
  /** Another connection may help. */
  #elsewhere = false;
  /** When the last call was answered in time. */
  #answered = 0;
  #joining: Promise<void> | undefined;
  #next: Timer | undefined;
  #closed = false;

  constructor(options: StoreLinkOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#settings = options.settings;
    this.#metrics = options.metrics.of(options.proxy);
    this.#log = new StateLog(options.clock, options.log, options.proxy);
    this.#begin();
  }

  get available(): boolean {
    return this.#available;
  }

  /** Puts other settings in force. Those that reach the store in the same way change nothing. */
  configure(settings: Settings): void {
    const before = this.#settings;
    this.#settings = settings;
    if (sameWay(before, settings)) return;
    this.#leave();
    [this.#failures, this.#hops] = [0, 0];
    this.#unavailable("its settings changed");
    this.#begin();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#available = false;
    this.#metrics.close();
    this.#log.close();
    this.#leave();
  }

  call(
    script: Script,
    keys: readonly string[],
    args: readonly (string | number)[],
    patience: number = DEADLINE,
  ): Promise<unknown> {
    const connection = this.#connection;
    if (connection === undefined || !connection.ready) return this.#refuse(script, "it is not connected");
    if (connection.due >= MOST_UNDER_WAY) return this.#refuse(script, "too many calls wait for its answers");
    return runScript({
      ...{ connection, clock: this.#clock, script, keys, args, patience },
      answered: () => this.#answered,
      ended: (result, seconds, fault) => {
        this.#metrics.request(script.operation, result, seconds);
        // A connection that has been left says nothing of the next.
        if (connection !== this.#connection) return;
        if (result === "Answered") this.#wasAnswered();
        else if (result === "Late") this.#missed(LATE);
        else if (fault !== undefined) this.#fault(connection, fault);
      },
    });
  }

  rejoin(): Promise<void> {
    return (this.#joining ??= Promise.resolve().then(() => this.#join()));
  }

  #refuse({ operation }: Script, cause: string): Promise<never> {
    this.#metrics.request(operation, "Failed");
    return Promise.reject(new Unavailable(cause));
  }

  #begin(): void {
    if (this.#settings.resolved) this.#dial();
    else this.#unavailable("its Secret could not be resolved");
  }

  /** Leaves the connection that there is, and all that was planned. */
  #leave(): void {
    this.#next?.cancel();
    this.#next = undefined;
    this.#connection?.close();
    this.#connection = undefined;
    this.#moved = undefined;
  }

  #dial(): void {
    this.#elsewhere = false;
    const connection: Connection = new Connection({
      settings: this.#settings,
      target: this.#moved ?? targetOf(this.#settings.address),
      clock: this.#clock,
      lookup: this.#names.lookup,
      ready: () => this.#ready(),
      lost: (cause) => this.#lost(causeOf(cause)),
    });
    this.#connection = connection;
  }

  #ready(): void {
    this.#wasAnswered();
    void this.rejoin();
  }

  #lost(cause: string): void {
    this.#leave();
    this.#unavailable(cause);
    this.#again(this.#pause());
  }

  #pause(): number {
    const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(10, this.#failures));
    this.#failures += 1;
    return pause * (0.75 + (this.#options.random ?? Math.random)() / 2);
  }

  async #join(): Promise<void> {
    const connection = this.#connection;
    let cause: string | undefined;
    try {
      if (connection?.ready !== true) return;
      if (this.#available) this.#unavailable("the pod joins anew");
      await this.#options.join();
    } catch (error) {
      cause = (error as Error).message;
    } finally {
      this.#joining = undefined;
    }
    if (this.#closed) return;
    if (connection !== this.#connection) {
      // What was published may be in another server.
      if (this.#connection?.ready === true) await this.rejoin();
    } else if (cause !== undefined) this.#trouble(cause);
    else if (this.#next === undefined) this.#joined();
  }

  #joined(): void {
    [this.#failures, this.#hops] = [0, 0];
    this.#breaker.answered();
    this.#available = true;
    this.#metrics.available(true);
    this.#log.available();
    this.#options.changed?.();
  }

  #wasAnswered(): void {
    this.#answered = this.#clock.now();
    this.#breaker.answered();
  }

  #missed(cause: string): void {
    this.#breaker.missed();
    if (this.#breaker.open) this.#trouble(cause);
  }

  #fault(connection: Connection, fault: Fault): void {
    if (fault.kind === "Moved") return this.#follow(connection, fault.to, fault.cause);
    if (fault.kind === "Call") return this.#missed(fault.cause);
    this.#elsewhere ||= fault.kind === "Elsewhere";
    this.#trouble(fault.cause);
  }

  #follow({ target }: Connection, to: Target, cause: string): void {
    this.#leave();
    this.#unavailable(cause);
    this.#hops += 1;
    if (this.#hops > MOST_HOPS) {
      this.#hops = 0;
      return this.#again(this.#pause());
    }
    this.#moved = { host: to.host || target.host, port: to.port };
    this.#dial();
  }

  /** Nothing is asked until a look at the store finds it well. */
  #trouble(cause: string): void {
    this.#unavailable(cause);
    if (this.#next === undefined) this.#again(PROBE);
  }

  #unavailable(cause: string): void {
    const changes = this.#available;
    this.#available = false;
    this.#metrics.available(false);
    this.#log.unavailable(cause);
    if (changes) this.#options.changed?.();
  }

  #again(ms: number): void {
    this.#next = this.#clock.after(ms, () => {
      this.#next = undefined;
      const connection = this.#connection;
      if (connection?.ready === true && !this.#elsewhere) return this.#probe(connection);
      this.#leave();
      this.#dial();
    });
  }

  /** One small question that no handshake waits for; where it is answered, the process joins anew. */
  #probe(connection: Connection): void {
    const end = this.#clock.now() + DEADLINE;
    let over = false;
    const is = (well: boolean) => (): void => {
      if (over) return;
      over = true;
      deadline.cancel();
      if (connection !== this.#connection) return;
      if (well) void this.rejoin();
      else this.#trouble(LATE);
    };
    const deadline = new Deadline(this.#clock, () => end - this.#clock.now(), DEADLINE / 2, is(false));
    // An error is an answer, and tells less than the join will.
    connection.ask(["PING"]).then(is(true), is(true));
  }
}
