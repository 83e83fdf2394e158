import type { Log } from "../../runtime/log.ts";
import type { Slices } from "../../runtime/loop/slices.ts";
import type { Attempt } from "../handshake/attempt.ts";
import type { Session } from "./session.ts";
import type { CompiledRoute } from "../config/snapshot.ts";

/** What a review uses of its proxy. */
export interface Reviewed {
  readonly attempts: ReadonlySet<Attempt>;
  readonly sessions: ReadonlySet<Session>;
  /** The route in force of that name; undefined: there is none any more. */
  readonly route: (name: string) => CompiledRoute | undefined;
  readonly log: () => Log;
  /** A session ended that kept its permission. */
  readonly dropped: () => void;
}

/** Holds a proxy's handshakes and sessions to the config that is in force. */
export class Reviewing {
  readonly #of: Reviewed;

  constructor(of: Reviewed) {
    this.#of = of;
  }

  /**
   * Every handshake under way, then every session, in slices. Resolves with the sessions whose route is gone: how these
   * end is the caller's to say.
   */
  async all(slices: Slices): Promise<readonly Session[]> {
    const { attempts, sessions, route } = this.#of;
    for (const attempt of [...attempts]) {
      if (slices.spent) await slices.next();
      // One that has ended between two slices watches nothing any more.
      if (attempt.route !== undefined && attempts.has(attempt)) attempt.apply(route(attempt.route));
    }
    const orphans: Session[] = [];
    for (const session of [...sessions]) {
      if (slices.spent) await slices.next();
      const now = route(session.route);
      if (now === undefined) orphans.push(session);
      else this.one(now, session);
    }
    return orphans;
  }

  /** One session. A check that throws ends it; that, or an end without a lost permission, counts as dropped. */
  one(route: CompiledRoute, session: Session): void {
    const ended = session.ending;
    try {
      session.apply(route);
    } catch (fault) {
      this.#of.log().error({ err: fault, requestId: session.requestId }, "config could not be applied to a session");
      session.destroy();
    }
    if (!ended && session.ending && !session.permissionLost) this.#of.dropped();
  }
}
