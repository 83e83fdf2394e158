import type { LookupFunction } from "node:net";
import { createClient, ErrorReply } from "@redis/client";
import type { Clock } from "../../../../runtime/clock.ts";
import { Deadline } from "./deadline.ts";
import { loginOf, tlsOf, type Settings, type Target } from "./settings.ts";

/** Longest time without any answer while one is due, in ms: from the dial to the end of the login, too. */
const SILENCE = 3_000;
/** Longest time without a byte while TCP and TLS are set up, in ms. */
const CONNECT_TIMEOUT = 1_000;
/** Commands that the client holds at most; the link asks for far fewer at a time. */
const MOST_QUEUED = 10_000;

export interface ConnectionOptions {
  readonly settings: Settings;
  readonly target: Target;
  readonly clock: Clock;
  readonly lookup: LookupFunction;
  /** It is logged in. */
  readonly ready: () => void;
  /** It came to nothing, or broke, or fell silent. Called once, and not after `close`. */
  readonly lost: (cause: Error) => void;
}

/**
 * One connection to a server: a client that lives as long as its socket and never connects again by itself. A connection
 * that answers nothing for 3 s is lost: the client's own time-out is put off by every byte that is written.
 */
export class Connection {
  readonly target: Target;
  readonly #clock: Clock;
  readonly #lost: (cause: Error) => void;
  readonly #client: ReturnType<typeof clientFor>;
  /** Ends the socket while it connects, too, which the client's `destroy` does not. */
  readonly #end = new AbortController();
  #watch: Deadline | undefined;
  /** When the last answer came, or when one became due. */
  #heard: number;
  /** Answers that are due; the login is one. */
  #due = 1;
  #state: "Dialling" | "Ready" | "Over" = "Dialling";

  constructor({ settings, target, clock, lookup, ready, lost }: ConnectionOptions) {
    this.target = target;
    this.#clock = clock;
    this.#lost = lost;
    this.#heard = clock.now();
    this.#client = clientFor(settings, { ...target, lookup, signal: this.#end.signal });
    // The client goes on after an answer that it cannot read: whose answers come next, it would not know.
    this.#client.on("error", (error: Error) => this.#over(error));
    this.#watchOut();
    void this.#open(ready);
  }

  get ready(): boolean {
    return this.#state === "Ready";
  }

  /** Answers that have not come. */
  get due(): number {
    return this.#due;
  }

  /** Sends a command. Rejects with an ErrorReply of the server, or where the connection ends. */
  async ask(command: readonly string[]): Promise<unknown> {
    if (this.#due === 0) this.#heard = this.#clock.now();
    this.#due += 1;
    this.#watchOut();
    try {
      const answer = await this.#client.sendCommand(command);
      this.#heard = this.#clock.now();
      return answer;
    } catch (error) {
      if (error instanceof ErrorReply) this.#heard = this.#clock.now();
      throw error;
    } finally {
      this.#due -= 1;
    }
  }

  /** Commands under way are rejected. */
  close(): void {
    if (this.#state === "Over") return;
    this.#state = "Over";
    this.#watch?.cancel();
    this.#client.destroy();
    this.#end.abort();
  }

  async #open(ready: () => void): Promise<void> {
    try {
      await this.#client.connect();
      const hello = await this.#client.sendCommand(["HELLO"]);
      if (modeOf(hello) === "sentinel") throw new Error("it is a Sentinel, which is not supported");
    } catch (error) {
      this.#over(error as Error);
      return;
    }
    if (this.#state !== "Dialling") return;
    this.#state = "Ready";
    this.#due -= 1;
    ready();
  }

  #over(cause: Error): void {
    if (this.#state === "Over") return;
    this.close();
    this.#lost(cause);
  }

  #watchOut(): void {
    if (this.#watch !== undefined) return;
    const left = (): number => (this.#due === 0 ? 0 : this.#heard + SILENCE - this.#clock.now());
    this.#watch = new Deadline(this.#clock, left, SILENCE / 10, () => {
      this.#watch = undefined;
      if (this.#due > 0) this.#over(new Error(`it answered nothing for ${SILENCE / 1000} s`));
    });
  }
}

function clientFor(settings: Settings, socket: Target & { lookup: LookupFunction; signal: AbortSignal }) {
  const way = { ...socket, connectTimeout: CONNECT_TIMEOUT, reconnectStrategy: false as const };
  return createClient({
    ...loginOf(settings),
    // Nothing waits for a store that is away.
    disableOfflineQueue: true,
    disableClientInfo: true,
    // A server cannot send the client to another one.
    maintNotifications: "disabled",
    commandsQueueMaxLength: MOST_QUEUED,
    // The client's own would cost a timer for each command, and does not count once the command is written.
    commandOptions: { timeout: 0 },
    socket: settings.tls === undefined ? way : { ...way, ...tlsOf(settings.tls) },
  });
}

/** What the server says of itself: standalone, cluster or sentinel. */
function modeOf(hello: unknown): unknown {
  return typeof hello === "object" && hello !== null && "mode" in hello ? hello.mode : undefined;
}
