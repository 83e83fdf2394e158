import { PAGE, sessionPage } from "../../api/admin-pages.ts";
import { jsonAnswer, textAnswer, type AdminAnswer } from "../../runtime/admin-port/admin-endpoint.ts";
import { ask } from "../live/ask.ts";
import { failureIn, LiveFailure } from "../live/live-failure.ts";
import type { Place, Target } from "../live/target.ts";
import type { PodSession } from "../sessions/open-sessions.ts";
import { queryOf } from "./query.ts";
import { answered, toldFailures } from "./told-failure.ts";

/** Pods that are asked at the same time. */
const AT_ONCE = 16;
/** Time after which a page asks no further pods, in ms. */
const LONGEST = 2000;
/** Lists that pages have begun to read and not ended; the oldest is forgotten. */
const MOST_LISTS = 64;

const PARAMETERS = ["client", "route", "address", "proxy", "limit", "after"] as const;

/** A pod whose sessions are not all read. */
interface Rest {
  readonly place: Place;
  /** Where its next page begins; undefined: at its first. */
  readonly after: string | undefined;
}

interface Failed {
  readonly place: Place;
  readonly failure: LiveFailure;
}

/** The session of a pod, or, of one process by its URL, a session without a pod. */
type Listed = Omit<PodSession, "pod"> & { readonly pod?: string };

/** `/sessions` over all pods, page by page: a few pods at a time, each with its own page. */
export class SessionPages {
  readonly #target: Target;
  readonly #signal: AbortSignal;
  /** By what `after` calls them: what is left to read. */
  readonly #lists = new Map<string, readonly Rest[]>();
  #named = 0;

  constructor(target: Target, signal: AbortSignal) {
    this.#target = target;
    this.#signal = signal;
  }

  readonly answer = (parameters: URLSearchParams): Promise<AdminAnswer> =>
    answered(async () => {
      const query = queryOf(parameters, PARAMETERS);
      if (typeof query === "string") return textAnswer(400, query);
      const { limit: typed = String(PAGE.usual), after, ...filter } = query;
      const limit = /^\d{1,4}$/.test(typed) ? Number(typed) : Number.NaN;
      if (!(limit >= 1 && limit <= PAGE.most)) return textAnswer(400, `limit is a number from 1 to ${PAGE.most}`);
      const rest = after === undefined ? await this.#all() : this.#lists.get(after);
      if (rest === undefined) return textAnswer(400, "after is not a page that there was; begin with the first page");
      return jsonAnswer(await this.#page(rest, filter, limit));
    });

  async #all(): Promise<readonly Rest[]> {
    return (await this.#target.places(this.#signal)).map((place) => ({ place, after: undefined }));
  }

  async #page(all: readonly Rest[], filter: Readonly<Record<string, string>>, limit: number): Promise<object> {
    const begun = performance.now();
    const waiting = [...all];
    const sessions: Listed[] = [];
    const rest: Rest[] = [];
    const failures: Failed[] = [];
    while (waiting.length > 0 && sessions.length < limit && performance.now() - begun < LONGEST) {
      const room = limit - sessions.length;
      const now = waiting.splice(0, Math.min(AT_ONCE, room));
      const each = Math.floor(room / now.length);
      const pages = await Promise.all(now.map(async (one) => ({ one, page: await this.#ask(one, filter, each) })));
      for (const { one, page } of pages) {
        const { place, after = "" } = one;
        if (page instanceof LiveFailure) {
          failures.push({ place, failure: page });
          continue;
        }
        for (const session of page.sessions.slice(0, each)) {
          sessions.push(this.#target.single ? session : { ...session, pod: place.name });
        }
        // The keys of pages grow: a pod that names an earlier one would be asked for ever.
        if (page.next !== undefined && page.next > after) rest.push({ place, after: page.next });
      }
    }
    const [first] = failures;
    if (first !== undefined && failures.length === all.length) throw first.failure;
    return { sessions, ...this.#list([...rest, ...waiting]), failures: toldFailures(failures) };
  }

  async #ask({ place, after }: Rest, filter: Readonly<Record<string, string>>, limit: number) {
    try {
      return await ask(place, { path: "/sessions", query: { ...filter, limit, after } }, sessionPage, this.#signal);
    } catch (error) {
      return failureIn(error);
    }
  }

  #list(rest: readonly Rest[]): { readonly next?: string } {
    if (rest.length === 0) return {};
    this.#named += 1;
    const next = String(this.#named);
    this.#lists.set(next, rest);
    const [oldest = ""] = this.#lists.keys();
    if (this.#lists.size > MOST_LISTS) this.#lists.delete(oldest);
    return { next };
  }
}
