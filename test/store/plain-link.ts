import { createClient, type RedisClientType } from "@redis/client";
import { Unavailable, type Link } from "../../dataplane/limits/store/link.ts";
import type { Operation, Script } from "../../dataplane/limits/store/scripts/script.ts";

/** Calls that may fail in a row before the store counts as unavailable. */
const MISSES = 3;
/** Until another connection is tried, in ms. */
const AGAIN = 30;

interface PlainOptions {
  readonly port: number;
  readonly join: () => Promise<void>;
  /** In ms; for calls with patience ten times as long. */
  readonly deadline?: number;
}

/**
 * A way to the store as short as it can be, for tests of what uses one. Its network can be cut: what was sent on the old
 * connection meanwhile arrives when a test says so, or never.
 */
export class PlainLink implements Link {
  available = false;
  readonly calls: Operation[] = [];
  /** When it last became available, in ms. */
  since = Infinity;
  readonly #options: PlainOptions;
  readonly #old: Pipe[] = [];
  #pipe: Pipe | undefined;
  #cut = false;
  #lossy = 0;
  #misses = 0;
  #closed = false;
  #opening: Promise<void> | undefined;
  #joining: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: PlainOptions) {
    this.#options = options;
    this.#open();
  }

  /** It is available, and nothing holds up what is sent. */
  get reaches(): boolean {
    return this.available && this.#pipe?.holds === false;
  }

  async call(
    script: Script,
    keys: readonly string[],
    args: readonly (string | number)[],
    patience?: number,
  ): Promise<unknown> {
    const pipe = this.#pipe;
    if (this.#closed || pipe === undefined) throw new Unavailable("no connection");
    this.calls.push(script.operation);
    const { deadline = 100 } = this.#options;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, fail) => {
      timer = setTimeout(() => fail(new Unavailable("late")), patience === undefined ? deadline : 10 * deadline);
    });
    let over = false;
    const deaf = this.#lossy > 0;
    if (deaf) this.#lossy -= 1;
    try {
      const answered = pipe.run(script, keys, args.map(String), () => over);
      answered.catch(() => {});
      const answer = await Promise.race([deaf ? late : answered, late]);
      this.#misses = 0;
      return answer;
    } catch (fault) {
      this.#misses += 1;
      if (this.#pipe === pipe && (this.#misses >= MISSES || !pipe.ready)) this.#down();
      throw fault instanceof Unavailable ? fault : new Unavailable(String(fault));
    } finally {
      over = true;
      clearTimeout(timer);
    }
  }

  async rejoin(): Promise<void> {
    this.available = false;
    await (this.#joining ??= this.#join().finally(() => {
      this.#joining = undefined;
    }));
  }

  /** From now on nothing passes. */
  cut(): void {
    this.#cut = true;
    this.#pipe?.hold();
  }

  /** The network is back; what was sent on old connections is not there yet. */
  heal(): void {
    this.#cut = false;
  }

  /** What was sent on old connections arrives now. */
  deliver(): void {
    for (const pipe of this.#old.splice(0)) pipe.deliver();
  }

  /** The answers to the next calls are lost. */
  lose(count: number): void {
    this.#lossy = count;
  }

  /** As if the process ended: nothing is sent any more. */
  kill(): void {
    this.#closed = true;
    this.available = false;
    clearTimeout(this.#timer);
    for (const pipe of [...this.#old.splice(0), ...(this.#pipe === undefined ? [] : [this.#pipe])]) pipe.close();
    this.#pipe = undefined;
  }

  #down(): void {
    this.available = false;
    const pipe = this.#pipe;
    this.#pipe = undefined;
    if (pipe !== undefined) this.#old.push(pipe);
    this.#again();
  }

  #again(): void {
    clearTimeout(this.#timer);
    if (!this.#closed) this.#timer = setTimeout(() => this.#open(), AGAIN);
  }

  #open(): void {
    if (this.#closed || this.#pipe !== undefined || this.#opening !== undefined) return;
    if (this.#cut) return this.#again();
    const pipe = new Pipe(this.#options.port);
    this.#opening = pipe.connect().then(
      async () => {
        this.#opening = undefined;
        if (this.#closed) return pipe.close();
        if (this.#cut) pipe.hold();
        this.#pipe = pipe;
        this.#misses = 0;
        await this.#join(); // whatever an older connection is still about
      },
      () => {
        this.#opening = undefined;
        pipe.close();
        this.#again();
      },
    );
  }

  async #join(): Promise<void> {
    const pipe = this.#pipe;
    try {
      await this.#options.join();
      if (this.#closed || this.#pipe !== pipe || pipe === undefined) return;
      this.available = true;
      this.since = performance.now();
    } catch {
      if (this.#pipe === pipe && pipe !== undefined) this.#down();
    }
  }
}

/** One connection: commands arrive in the order in which they were sent, now or when they are delivered. */
class Pipe {
  readonly #client: RedisClientType;
  #held: (() => void)[] | undefined;

  constructor(port: number) {
    this.#client = createClient({
      disableOfflineQueue: true,
      socket: { host: "127.0.0.1", port, reconnectStrategy: false },
    });
    this.#client.on("error", () => {});
  }

  get ready(): boolean {
    return this.#client.isReady;
  }

  get holds(): boolean {
    return this.#held !== undefined;
  }

  async connect(): Promise<void> {
    await this.#client.connect();
  }

  hold(): void {
    this.#held ??= [];
  }

  deliver(): void {
    for (const send of this.#held ?? []) send();
    this.#held = [];
    setTimeout(() => this.close(), 200);
  }

  /** Once it is `over`, the text of an unknown script is not sent: what was sent since must not be overtaken. */
  run(script: Script, keys: readonly string[], args: readonly string[], over: () => boolean): Promise<unknown> {
    const options = { keys: [...keys], arguments: [...args] };
    const send = async (): Promise<unknown> => {
      try {
        if (script.inOrder !== true) return await this.#client.evalSha(script.sha1, options);
      } catch (fault) {
        if (!String(fault).includes("NOSCRIPT") || over()) throw fault;
      }
      return this.#client.eval(script.text, options);
    };
    if (this.#held === undefined) return send();
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#held.push(() => void send().then(resolve, reject));
    return promise;
  }

  close(): void {
    this.#client.destroy();
  }
}
