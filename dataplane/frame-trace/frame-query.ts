import { LONGEST_SHOWN } from "../../api/admin-pages.ts";
import { DEBUG } from "../../api/debug.ts";
import { bounded } from "../../runtime/log.ts";
import type { TracedSession } from "./traced-session.ts";

const PARAMETERS: readonly string[] = ["session", "client", "proxy", "seconds", "payload"];
/** Seconds of a trace that does not say how long it is. */
const USUAL = 60;

/** Which sessions a trace of frames is about, for how long, and how much of a payload it shows. */
export class FrameQuery {
  readonly session: string | undefined;
  /** As events show it: the beginning of a long one. */
  readonly client: string | undefined;
  readonly proxy: string | undefined;
  readonly seconds: number;
  /** Bytes of a payload. 0: none is shown. */
  readonly payload: number;

  private constructor(query: URLSearchParams, seconds: number, payload: number) {
    const client = query.get("client");
    this.session = query.get("session") ?? undefined;
    this.client = client === null ? undefined : bounded(client, LONGEST_SHOWN);
    this.proxy = query.get("proxy") ?? undefined;
    this.seconds = seconds;
    this.payload = payload;
  }

  /** What a query means, or a sentence that says what is wrong with it. */
  static of(query: URLSearchParams): FrameQuery | string {
    const names = [...query.keys()];
    if (names.some((name) => !PARAMETERS.includes(name))) {
      return `this stream takes the parameters ${PARAMETERS.join(", ")}, and no other`;
    }
    if (new Set(names).size < names.length) return "a parameter may stand once only";
    const empty = names.find((name) => query.get(name) === "");
    if (empty !== undefined) return `${empty} has no value`;
    if (query.has("session") === query.has("client")) return "a trace of frames is for session or for client: give one";
    const { seconds: longest, payload: largest } = DEBUG.frames;
    const seconds = numberIn(query.get("seconds") ?? String(USUAL), 1, longest);
    if (seconds === undefined) return `seconds is a number from 1 to ${longest}`;
    const payload = numberIn(query.get("payload") ?? "0", 0, largest);
    if (payload === undefined) return `payload is a number of bytes from 0 to ${largest}`;
    return new FrameQuery(query, seconds, payload);
  }

  /** Is the trace about this session? `proxy` is the one that serves it. */
  passes(proxy: string, { id, identity }: TracedSession): boolean {
    if (!this.passesProxy(proxy)) return false;
    if (this.session !== undefined) return id === this.session;
    return identity.client !== undefined && bounded(identity.client, LONGEST_SHOWN) === this.client;
  }

  passesProxy(proxy: string): boolean {
    return this.proxy === undefined || this.proxy === proxy;
  }
}

function numberIn(text: string, least: number, most: number): number | undefined {
  const value = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : undefined;
}
