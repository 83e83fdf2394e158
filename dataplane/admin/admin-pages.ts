import { PAGE, LONGEST_SHOWN, type RoutePage, type SessionPage } from "../../api/admin-pages.ts";
import { textAnswer, type AdminAnswer } from "../../runtime/admin-port/admin-endpoint.ts";
import type { Clock } from "../../runtime/clock.ts";
import { bounded } from "../../runtime/log.ts";
import { Slices } from "../../runtime/loop/slices.ts";
import type { Gateway } from "../gateway.ts";
import type { Session } from "../session/session.ts";
import { FILTERS, isMeant, sessionFilter, wrongParameters } from "./session-query.ts";
import type { SessionWalks } from "./session-walks.ts";

type SessionEntry = SessionPage["sessions"][number];
type RouteEntry = RoutePage["routes"][number];

/** An entry of a list, made when its page is asked for. */
interface Listed {
  /** What `after` calls it. */
  readonly key: string;
  readonly entry: () => object;
}

/** Characters after which a page ends, however few entries it has: the whole text is in memory until its client has it. */
const LARGEST_PAGE = 1_000_000;
const PAGING = ["limit", "after"];

/**
 * Open sessions that the query means, by their ids: so a page goes on where the last one ended, even if sessions have ended
 * meanwhile. In slices: there may be thousands.
 */
export async function sessionPage(
  walks: SessionWalks,
  query: URLSearchParams,
  gone: AbortSignal,
): Promise<AdminAnswer> {
  const limit = limitIn(query, [...FILTERS, ...PAGING]);
  if (typeof limit === "string") return textAnswer(400, limit);
  const filter = sessionFilter(query);
  if (typeof filter === "string") return textAnswer(400, filter);
  return walks.inLine(async (walk, slices) => {
    const first = new FirstOf(limit + 1, query.get("after") ?? "");
    // The requests of a crowd that has left cost nothing when their turn comes.
    if (!gone.aborted) {
      await walk((session, { name }) => {
        if (isMeant(filter, name, session)) first.offer(session.id, () => sessionEntry(name, session));
      });
    }
    return page("sessions", first.listed, limit, slices);
  });
}

/** The first entries of a list by their keys, behind `after`: to sort thousands for each page would take long. */
class FirstOf {
  readonly #count: number;
  readonly #after: string;
  #last = "";
  readonly listed: Listed[] = [];

  constructor(count: number, after: string) {
    this.#count = count;
    this.#after = after;
  }

  offer(key: string, entry: Listed["entry"]): void {
    const { listed } = this;
    const full = listed.length === this.#count;
    if ((full && key > this.#last) || key <= this.#after) return;
    let [from, to] = [0, listed.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((listed[middle]?.key ?? "") < key) from = middle + 1;
      else to = middle;
    }
    listed.splice(from, 0, { key, entry });
    if (full) listed.pop();
    this.#last = listed.at(-1)?.key ?? "";
  }
}

/** Routes of the configs in force, as they were written. */
export async function routePage({ proxies }: Gateway, query: URLSearchParams, clock: Clock): Promise<AdminAnswer> {
  const limit = limitIn(query, PAGING);
  if (typeof limit === "string") return textAnswer(400, limit);
  const listed = proxies.flatMap(({ name, snapshot }) =>
    (snapshot?.config.routes ?? []).map((route) => ({
      key: `${name}/${route.name}`,
      entry: (): RouteEntry => ({
        proxy: name,
        name: route.name,
        hostnames: route.hostnames,
        path: route.path,
        backends: route.backends.map(({ endpoints, weight }) => ({ endpoints, weight })),
        policies: Object.keys(route.policies),
      }),
    })),
  );
  const after = query.get("after");
  const last = listed.findIndex(({ key }) => key === after);
  if (after !== null && last === -1) return textAnswer(400, "after names no route; begin without it");
  return page("routes", listed.slice(last + 1), limit, new Slices(clock));
}

function sessionEntry(proxy: string, session: Session): SessionEntry {
  const { client } = session.identity;
  return {
    id: session.id,
    proxy,
    route: session.route,
    client: client && bounded(client, LONGEST_SHOWN),
    address: session.address,
    since: new Date(session.since).toISOString(),
    messages: { fromClient: session.fromClient.messages, fromBackend: session.fromBackend.messages },
    bytes: { fromClient: session.fromClient.bytes, fromBackend: session.fromBackend.bytes },
    subprotocol: session.protocol && bounded(session.protocol, LONGEST_SHOWN),
  };
}

/** As many of the entries as the limit says, or fewer where they are long; `next` where there are more. */
async function page(name: string, listed: readonly Listed[], limit: number, slices: Slices): Promise<AdminAnswer> {
  const texts: string[] = [];
  for (let size = 0; texts.length < Math.min(limit, listed.length) && size < LARGEST_PAGE;) {
    if (slices.spent) await slices.next();
    const text = JSON.stringify(listed[texts.length]?.entry());
    size += text.length;
    texts.push(text);
  }
  const last = texts.length < listed.length ? listed[texts.length - 1]?.key : undefined;
  const next = last === undefined ? "" : `,"next":${JSON.stringify(last)}`;
  return {
    status: 200,
    contentType: "application/json; charset=utf-8",
    body: `{"${name}":[${texts.join(",")}]${next}}\n`,
  };
}

/** How many entries are asked for, or what is wrong with the parameters. */
function limitIn(query: URLSearchParams, names: readonly string[]): number | string {
  const wrong = wrongParameters(query, names);
  if (wrong !== undefined) return wrong;
  const text = query.get("limit") ?? String(PAGE.usual);
  const limit = /^[0-9]{1,4}$/.test(text) ? Number(text) : 0;
  return limit >= 1 && limit <= PAGE.most ? limit : `limit is a number from 1 to ${PAGE.most}`;
}
