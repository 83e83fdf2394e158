import { textAnswer, type AdminAnswer, type AdminStream } from "../../runtime/admin-port/admin-endpoint.ts";
import type { FollowTimes } from "../live/follow.ts";
import type { Target } from "../live/target.ts";
import { EventFeed } from "./event-feed.ts";
import { queryOf } from "./query.ts";
import { answered } from "./told-failure.ts";

/** Different filters at a time: a pod has five streams for all that ask it. */
const MOST_FEEDS = 3;
/** Streams of pages at the same time. */
const MOST_STREAMS = 50;
/** Bytes that may wait for a page: more than from one pod, since all pods tell what they have kept at once. */
export const UNREAD = 8_388_608;

const PARAMETERS = ["client", "route", "address", "proxy", "outcome"] as const;

/** `/debug/events` over all pods: pages with the same filter share one stream of each pod. */
export class EventFeeds {
  readonly #target: Target;
  readonly #signal: AbortSignal;
  readonly #times: FollowTimes | undefined;
  readonly #feeds = new Map<string, EventFeed>();
  #streams = 0;

  constructor(target: Target, signal: AbortSignal, times?: FollowTimes) {
    this.#target = target;
    this.#signal = signal;
    this.#times = times;
  }

  readonly answer = (parameters: URLSearchParams): Promise<AdminAnswer | AdminStream> =>
    answered(async () => {
      const query = queryOf(parameters, PARAMETERS);
      if (typeof query === "string") return textAnswer(400, query);
      if (this.#streams >= MOST_STREAMS)
        return textAnswer(503, `${MOST_STREAMS} pages watch already; close one of them`);
      const feed = this.#feed(query);
      if (feed === undefined) return textAnswer(503, `pages with ${MOST_FEEDS} different filters watch already`);
      await feed.begun;
      return {
        contentType: "text/event-stream; charset=utf-8",
        unread: UNREAD,
        open: (sink) => {
          const leave = feed.join(sink);
          this.#streams += 1;
          return () => {
            this.#streams -= 1;
            leave();
          };
        },
      };
    });

  #feed(query: Readonly<Record<string, string>>): EventFeed | undefined {
    const key = JSON.stringify(PARAMETERS.map((name) => query[name] ?? null));
    const known = this.#feeds.get(key);
    if (known !== undefined || this.#feeds.size >= MOST_FEEDS) return known;
    const feed = new EventFeed(
      this.#target,
      query,
      this.#signal,
      () => this.#feeds.get(key) === feed && this.#feeds.delete(key),
      this.#times,
    );
    this.#feeds.set(key, feed);
    return feed;
  }
}
