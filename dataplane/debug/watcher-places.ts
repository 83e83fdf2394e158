import { DEBUG } from "../../api/debug.ts";

/** Room for the streams of events and frames of a process, all together. */
export interface WatcherPlaces {
  /** As many streams are open as the process has at a time. */
  readonly full: boolean;
  /** Takes the place of one stream; the returned function gives it back, once. undefined: there is none. */
  place(): (() => void) | undefined;
}

/** `DEBUG.watchers` places. */
export class CountedPlaces implements WatcherPlaces {
  #taken = 0;

  get full(): boolean {
    return this.#taken >= DEBUG.watchers;
  }

  place(): (() => void) | undefined {
    if (this.full) return undefined;
    this.#taken += 1;
    let ours = true;
    return () => {
      if (ours) this.#taken -= 1;
      ours = false;
    };
  }
}
