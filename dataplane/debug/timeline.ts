import type { DebugEvent } from "../../api/debug.ts";
import type { Watching } from "./watching.ts";

/** What a timeline says of a session. */
export interface TimelineSession {
  readonly id: string;
  readonly requestId: string;
  readonly route: string;
  readonly address: string;
  readonly identity: { readonly client: string | undefined };
}

/** Words of `timelineEvent` in `api/debug.ts`. */
export type TimelineWhat = "paused" | "resumed" | "ping" | "pong" | "credentialChecked" | "closeSent" | "closeReceived";

/** What an event of the timeline has besides; `code` of a Close frame. */
export type TimelineMore = Pick<DebugEvent<"timeline">, "direction" | "code" | "reason">;

/** The timelines of one proxy's sessions: what happens to them between their beginning and their end. */
export class Timeline {
  /** `<namespace>/<name>` */
  readonly #proxy: string;
  readonly #watching: Watching;

  constructor(proxy: string, watching: Watching) {
    this.#proxy = proxy;
    this.#watching = watching;
  }

  /** Something watches: what is not told meanwhile is not kept. */
  get watched(): boolean {
    return this.#watching.watched;
  }

  tell(
    { id, requestId, route, address, identity }: TimelineSession,
    what: TimelineWhat,
    more: TimelineMore = {},
  ): void {
    const { client } = identity;
    const known = client === undefined ? {} : { client };
    const session = { proxy: this.#proxy, route, requestId, ...known, address, session: id };
    this.#watching.timeline({ ...session, what, ...more });
  }
}
