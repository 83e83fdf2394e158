import type { FrameTap, SessionTap } from "../tunnel/frame-tap.ts";
import type { TracedSession } from "./traced-session.ts";

/** Shows the frames of a session to each of several traces. A session that none traces has no tap. */
export class SessionTaps {
  readonly #taps = new Map<TracedSession, readonly SessionTap[]>();

  add(session: TracedSession, tap: SessionTap): void {
    this.#set(session, [...(this.#taps.get(session) ?? []), tap]);
  }

  remove(session: TracedSession, tap: SessionTap): void {
    this.#set(
      session,
      (this.#taps.get(session) ?? []).filter((one) => one !== tap),
    );
  }

  #set(session: TracedSession, taps: readonly SessionTap[]): void {
    if (taps.length > 0) this.#taps.set(session, taps);
    else this.#taps.delete(session);
    session.trace(taps.length > 1 ? allOf(taps) : taps[0]);
  }
}

function allOf(taps: readonly SessionTap[]): SessionTap {
  return {
    fromClient: eachOf(taps.map(({ fromClient }) => fromClient)),
    fromBackend: eachOf(taps.map(({ fromBackend }) => fromBackend)),
  };
}

function eachOf(taps: readonly FrameTap[]): FrameTap {
  return {
    judged: (...frame) => taps.forEach((tap) => tap.judged(...frame)),
    payload: (...part) => taps.forEach((tap) => tap.payload(...part)),
    cut: (violation) => taps.forEach((tap) => tap.cut(violation)),
    ended: () => taps.forEach((tap) => tap.ended()),
  };
}
