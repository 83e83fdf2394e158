import { setTimeout as sleep } from "node:timers/promises";
import { DEBUG } from "../../api/debug.ts";
import { openStream, type Question } from "./ask.ts";
import { objectIn } from "./event-object.ts";
import { EventLines, readEvents, type StreamEvent } from "./event-stream.ts";
import { failureIn, LiveFailure } from "./live-failure.ts";
import type { Place, Target } from "./target.ts";

/** An event of one process. */
export interface PlaceEvent {
  readonly place: Place;
  /** Name of the event: one of DEBUG_EVENTS, or of a newer version. */
  readonly name: string;
  /** Its JSON, not checked. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** What is told while streams are followed. Calls come one after the other. */
export interface Follower {
  event(event: PlaceEvent): void;
  /** Processes whose streams are open now, and all that are followed, after each change. */
  watching?(places: readonly Place[], followed: readonly Place[]): void;
  /** A process that is there cannot be followed for now, or the list of them cannot be read; the same words come once. */
  trouble?(failure: LiveFailure): void;
  /** In place of `trouble`: a process that is there cannot be followed for now; told after each try. */
  silent?(place: Place, failure: LiveFailure): void;
}

/** Times in ms. */
export interface FollowTimes {
  /** Between two looks for processes that come and go. */
  readonly look: number;
  /** Before a stream that broke is opened again; each further time twice as long, up to `longestWait`. */
  readonly firstWait: number;
  readonly longestWait: number;
  /** Without a sign of life, after which a stream is opened anew. */
  readonly silence: number;
}

export const FOLLOW_TIMES: FollowTimes = {
  look: 2000,
  firstWait: 500,
  longestWait: 10_000,
  silence: 2 * DEBUG.heartbeat + 10_000,
};

/** The stream of one process. */
interface Followed {
  place: Place;
  readonly end: AbortController;
  done: Promise<void>;
  open: boolean;
  /** `at` of the last event: what an earlier stream has told is not told again. */
  last: string;
}

/**
 * Follows a stream of every process of a gateway until `signal` aborts: processes that come are followed too, streams that
 * break are opened again. Rejects with LiveFailure where no process can be followed at the beginning.
 */
export async function follow(
  target: Target,
  question: Question,
  follower: Follower,
  signal: AbortSignal,
  times: FollowTimes = FOLLOW_TIMES,
): Promise<void> {
  await new Following(target, question, follower, signal, times).run();
}

class Following {
  readonly #target: Target;
  readonly #question: Question;
  readonly #follower: Follower;
  readonly #signal: AbortSignal;
  readonly #times: FollowTimes;
  readonly #followed = new Map<string, Followed>();
  /** Words that have been told. */
  readonly #told = new Set<string>();
  /** Why the list of processes could not be read the last time. */
  #blind: string | undefined;

  constructor(target: Target, question: Question, follower: Follower, signal: AbortSignal, times: FollowTimes) {
    this.#target = target;
    this.#question = question;
    this.#follower = follower;
    this.#signal = signal;
    this.#times = times;
  }

  async run(): Promise<void> {
    try {
      await this.#begin(await this.#target.places(this.#signal));
      while (!this.#signal.aborted) {
        await sleep(this.#times.look, undefined, { signal: this.#signal }).catch(() => {});
        if (!this.#signal.aborted && !this.#target.single) await this.#look();
      }
    } catch (error) {
      if (!this.#signal.aborted) throw error;
    } finally {
      const all = [...this.#followed.values()];
      for (const { end } of all) end.abort();
      await Promise.all(all.map(({ done }) => done));
    }
  }

  /** Resolves when a first stream is open; rejects with the failure of the first process where each fails. */
  async #begin(places: readonly Place[]): Promise<void> {
    const failures: (readonly [Place, LiveFailure])[] = [];
    let begun = false;
    await new Promise<void>((resolve) => {
      this.#signal.addEventListener("abort", () => resolve(), { once: true });
      for (const place of this.#bounded(places)) {
        this.#start(place, (failure) => {
          if (failure !== undefined && begun) this.#silent(place, failure);
          else if (failure !== undefined) failures.push([place, failure]);
          else begun = true;
          if (begun || failures.length === this.#followed.size) resolve();
        });
      }
    });
    const [first] = failures;
    if (!begun && first !== undefined) throw first[1];
    for (const [place, failure] of failures) this.#silent(place, failure);
  }

  async #look(): Promise<void> {
    try {
      const places = this.#bounded(await this.#target.places(this.#signal));
      // The same words are news again.
      if (this.#blind !== undefined) this.#told.delete(this.#blind);
      this.#blind = undefined;
      this.#letGo(new Set(places.map(({ id }) => id)));
      for (const place of places) {
        const known = this.#followed.get(place.id);
        if (known === undefined) this.#start(place, (failure) => failure && this.#silent(place, failure));
        else known.place = place;
      }
    } catch (error) {
      if (this.#signal.aborted) return;
      const failure = failureIn(error);
      if (failure.kind === "NoPods") this.#letGo(new Set());
      this.#blind = failure.message;
      this.#trouble(failure);
    }
  }

  #bounded(places: readonly Place[]): readonly Place[] {
    if (places.length <= MOST_FOLLOWED) return places;
    const words = `${this.#target.title} has ${places.length} pods; only the first ${MOST_FOLLOWED} are watched`;
    this.#trouble(new LiveFailure("Refused", words));
    return places.slice(0, MOST_FOLLOWED);
  }

  #letGo(there: ReadonlySet<string>): void {
    let gone = false;
    for (const [id, { end }] of this.#followed) {
      if (there.has(id)) continue;
      end.abort();
      gone = this.#followed.delete(id);
    }
    if (gone) this.#watching();
  }

  /** `first` is called once: with the failure of the first try, or without one. */
  #start(place: Place, first: (failure?: LiveFailure) => void): void {
    const end = new AbortController();
    const followed: Followed = { place, end, done: Promise.resolve(), open: false, last: "" };
    this.#followed.set(place.id, followed);
    followed.done = this.#keep(followed, AbortSignal.any([end.signal, this.#signal]), first);
  }

  async #keep(followed: Followed, signal: AbortSignal, first: (failure?: LiveFailure) => void): Promise<void> {
    let wait = this.#times.firstWait;
    let tell = first;
    while (!signal.aborted) {
      try {
        const body = await openStream(followed.place, this.#question, signal);
        this.#opened(followed, true);
        tell();
        const since = followed.last;
        let whole = false;
        const lines = new EventLines(
          (event) => {
            whole = true;
            this.#take(followed, event, since);
          },
          () =>
            this.#trouble(
              new LiveFailure("Nonsense", `an event of ${followed.place.name} is too long, and is left out`),
            ),
        );
        await readEvents(body, lines, this.#times.silence, signal);
        if (whole) wait = this.#times.firstWait;
      } catch (error) {
        const failure = failureIn(error);
        tell(failure);
        if (tell === quiet && !signal.aborted && !followed.place.leaving) this.#silent(followed.place, failure);
      }
      tell = quiet;
      this.#opened(followed, false);
      await sleep(wait, undefined, { signal }).catch(() => {});
      wait = Math.min(2 * wait, this.#times.longestWait);
    }
  }

  /** Of what a process says of the past after a stream was opened again, only what came in between is new. */
  #take(followed: Followed, { name, data }: StreamEvent, since: string): void {
    const value = objectIn(data);
    if (value === undefined || this.#signal.aborted) return;
    const at = typeof value["at"] === "string" ? value["at"] : "";
    if (value["past"] === true && since !== "" && at <= since) return;
    if (at > followed.last) followed.last = at;
    this.#follower.event({ place: followed.place, name, data: value });
  }

  #opened(followed: Followed, open: boolean): void {
    if (followed.open === open) return;
    followed.open = open;
    this.#watching();
  }

  #watching(): void {
    if (this.#signal.aborted) return;
    const all = [...this.#followed.values()];
    this.#follower.watching?.(
      all.filter(({ open }) => open).map(({ place }) => place),
      all.map(({ place }) => place),
    );
  }

  #silent(place: Place, failure: LiveFailure): void {
    // A process that is let go may fail on its way out.
    if (!this.#followed.has(place.id)) return;
    if (this.#follower.silent === undefined) this.#trouble(failure);
    else if (!this.#signal.aborted) this.#follower.silent(place, failure);
  }

  #trouble(failure: LiveFailure): void {
    if (this.#told.has(failure.message) || this.#told.size >= MOST_TOLD) return;
    this.#told.add(failure.message);
    this.#follower.trouble?.(failure);
  }
}

/** Processes of which one command has a stream open at most. */
const MOST_FOLLOWED = 200;
/** Different failures that one command tells. */
const MOST_TOLD = 1000;

function quiet(): void {}
