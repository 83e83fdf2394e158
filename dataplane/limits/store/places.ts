import type { Clock } from "../../../runtime/clock.ts";
import { pause } from "../../../runtime/loop/pause.ts";
import { bucketKey } from "./bucket-key.ts";
import { Gives, type Given } from "./ledger/gives.ts";
import { Unavailable, type Link } from "./link.ts";
import { Membership } from "./ledger/membership.ts";
import type { Occupancy } from "../occupancy.ts";
import { takeAnswer, wasKnown } from "./ledger/answers.ts";
import { PlaceCounts } from "./ledger/counts.ts";
import { PlaceIds } from "./ledger/ids.ts";
import { PLACE_TIMES, type PlaceTimes } from "./ledger/times.ts";
import { PlaceWriter, UnknownId } from "./ledger/writer.ts";
import { GIVE } from "./scripts/give.ts";
import { TAKE } from "./scripts/take.ts";
import type { SharedPlaces, TakeAnswer, TakeLines } from "../shared-limits.ts";

/** How long a handshake waits at most for the process to join anew, in ms. */
const REJOIN_WAIT = 100;

export interface LedgerOptions {
  readonly link: () => Link;
  /** What this process holds: the store is told of it, and never the other way round. */
  readonly occupancy: Occupancy;
  /** All keys of the proxy begin with it: `{namespace/name}:`. */
  readonly prefix: string;
  readonly clock: Clock;
  /** Names the process among all that ever were: chosen by chance, without a space. */
  readonly incarnation: string;
  readonly times?: Partial<PlaceTimes>;
}

/**
 * Places among the open sessions, counted over all pods. While the process is certain of what the store has, it adds one
 * and takes one off; after any doubt it writes what the occupancy says.
 */
export class Ledger implements SharedPlaces {
  readonly #options: LedgerOptions;
  readonly #times: PlaceTimes;
  readonly #pods: string;
  readonly #ids: PlaceIds;
  readonly #writer: PlaceWriter;
  readonly #counts: PlaceCounts;
  readonly #membership: Membership;
  readonly #gives = new Gives((given) => void this.#sendGive(given));

  constructor(options: LedgerOptions) {
    const { link, occupancy, prefix, clock } = options;
    const times = { ...PLACE_TIMES, ...options.times };
    this.#options = options;
    this.#times = times;
    this.#pods = `${prefix}pods`;
    const ids = new PlaceIds(options.incarnation);
    const writer = new PlaceWriter({ link, occupancy, prefix, ids, life: times.life });
    const sendGives = (): void => this.#gives.flush();
    const counts = new PlaceCounts({ writer, occupancy, clock, times, standing: () => this.#membership, sendGives });
    this.#ids = ids;
    this.#writer = writer;
    this.#counts = counts;
    this.#membership = new Membership({ link, pods: this.#pods, ids, counts, clock, times });
  }

  needed(keys: readonly string[]): string[] {
    return keys.filter((key) => this.#writer.isNeeded(key));
  }

  needs(kinds: ReadonlySet<string>): void {
    this.#counts.needs(kinds);
  }

  /**
   * Each name and key stands in `lines` once. The caller has entered the occupancy in this turn, stays in it until the
   * answer, and after any other answer than `in` leaves it in the turn of the answer, or marks the keys.
   */
  async take(lines: TakeLines): Promise<TakeAnswer> {
    if (!this.#membership.ready) throw new Unavailable("it is not available");
    const keys = lines.places.map(({ key }) => key);
    const id = this.#ids.current;
    const answer = await this.#ask(lines, keys);
    return answer === "unknown" ? this.#askAgain(lines, keys, id) : answer;
  }

  give(keys: readonly string[]): void {
    const needed = this.needed(keys);
    if (needed.length === 0) return;
    if (this.#membership.ready) this.#gives.add(needed);
    else this.mark(needed);
  }

  mark(keys: readonly string[]): void {
    if (!this.#membership.closing.aborted) this.#counts.doubts.dirty(this.needed(keys));
  }

  /** Runs on every new connection, and when the store does not know this process. Rejects with Unavailable. */
  join(): Promise<void> {
    return this.#membership.join();
  }

  /** Leaves in order: the places of this process are free at once. The link is closed after it. */
  close(): Promise<void> {
    this.#counts.close();
    return this.#membership.close();
  }

  async #ask({ buckets, places, shadow }: TakeLines, keys: readonly string[]): Promise<TakeAnswer | "unknown"> {
    this.#gives.flush();
    const { prefix, link } = this.#options;
    const { grace, life } = this.#times;
    const moment = this.#writer.now;
    const names = [...buckets.map(({ name }) => bucketKey(prefix, name)), ...keys.map((key) => this.#writer.name(key))];
    const args = [
      ...[this.#ids.current, grace, life, shadow ? 1 : 0, buckets.length],
      ...buckets.flatMap(({ shape: { limit, interval, burst } }) => [limit, interval, burst]),
      ...places.map(({ limit }) => limit ?? ""),
    ];
    try {
      const answer = takeAnswer(await link().call(TAKE, [this.#pods, ...names], args), names.length);
      if (answer === "unknown" || answer.kind === "refused") this.#leaves(keys, () => this.#writer.followed(moment));
      else if (this.#writer.crossed(moment)) this.#counts.doubts.suspect(keys);
      return answer;
    } catch (fault) {
      this.#fails(keys);
      throw fault;
    }
  }

  /** The store may have the place or not. The caller may leave the occupancy. */
  #fails(keys: readonly string[]): void {
    this.#counts.doubts.dirty(keys);
    this.#leaves(keys, () => true);
  }

  /** The caller leaves the occupancy in this turn. What is written before it does has the handshake in it. */
  #leaves(keys: readonly string[], isDoubtful: () => boolean): void {
    if (keys.length === 0) return;
    setImmediate(() => {
      if (isDoubtful()) this.#counts.doubts.dirty(keys);
    });
  }

  /** The store did not know this process: once it does, the handshake takes its place as if it came now. */
  async #askAgain(lines: TakeLines, keys: readonly string[], id: string): Promise<TakeAnswer> {
    const { kinds } = this.#writer;
    const { clock } = this.#options;
    this.#writer.early(keys, 1);
    await Promise.race([this.#membership.rejoin(id), pause(REJOIN_WAIT, clock, this.#membership.closing)]);
    this.#writer.early(keys, -1);
    if (!this.#membership.ready) {
      this.#fails(keys);
      throw new UnknownId(id);
    }
    const answer = await this.#ask(lines, keys);
    if (answer === "unknown" || kinds !== this.#writer.kinds) this.#fails(keys);
    else this.#counts.doubts.suspect(keys);
    if (answer === "unknown") throw new UnknownId(id);
    return answer;
  }

  async #sendGive(given: Given): Promise<void> {
    const { doubts } = this.#counts;
    const certain = given.filter(([key]) => !doubts.isDirty(key));
    const keys = certain.map(([key]) => key);
    if (keys.length === 0) return;
    if (!this.#membership.ready) return doubts.dirty(keys);
    const moment = this.#writer.now;
    const id = this.#ids.current;
    try {
      const names = keys.map((key) => this.#writer.name(key));
      const args = [id, ...certain.map(([, count]) => count)];
      const known = wasKnown(await this.#options.link().call(GIVE, [this.#pods, ...names], args));
      if (known && this.#writer.crossed(moment)) doubts.suspect(keys);
      if (known) return;
      doubts.dirty(keys);
      void this.#membership.rejoin(id);
    } catch {
      doubts.dirty(keys);
    }
  }
}
