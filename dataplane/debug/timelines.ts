import type { Timeline } from "../tunnel/timeline.ts";

/** What a session is to those that watch its timeline. */
export interface TimelineSession {
  readonly id: string;
  readonly requestId: string;
  readonly route: string;
  readonly address: string;
  readonly identity: { readonly client?: string | undefined };
}

export type TimelineWatch = (session: TimelineSession, ...moment: Parameters<Timeline["happened"]>) => void;

/** The timelines of all sessions of a process, those that were open before included. Nothing is kept of what is not watched. */
export class Timelines {
  readonly #watches = new Set<TimelineWatch>();
  watched = false;

  /** The returned function ends it. */
  watch(watch: TimelineWatch): () => void {
    this.#watches.add(watch);
    this.watched = true;
    return () => {
      this.#watches.delete(watch);
      this.watched = this.#watches.size > 0;
    };
  }

  happened(session: TimelineSession, ...moment: Parameters<Timeline["happened"]>): void {
    for (const watch of this.#watches) watch(session, ...moment);
  }
}
