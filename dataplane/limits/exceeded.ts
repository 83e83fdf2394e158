import { accessLine } from "../access-log.ts";
import type { Identity } from "../identity.ts";
import type { Log } from "../../runtime/log.ts";
import type { LimitAction } from "./limit-hits.ts";
import type { SessionPer } from "./subject.ts";

/** A limit, as its hits are counted and logged. */
export interface LimitName {
  readonly policy: "attempts" | "connections" | "messages" | "bytes";
  /** Of the frames that the limit counts; absent where it counts handshakes or sessions. */
  readonly direction?: "fromClient" | "fromBackend";
  readonly per: SessionPer;
  readonly action: LimitAction;
}

/** The route of a limit, and where its hits are counted and logged. */
export interface LimitContext {
  readonly route: { readonly name: string };
  /** The limit counts and logs, and does not act. */
  readonly shadow: boolean;
  readonly log: Log;
  readonly metrics: { limitHit(policy: string, per: string, action: LimitAction, shadow: boolean): () => void };
}

/**
 * Which hits have a line: `Shadow`: only those of a limit that does not act, since the refusal of one that acts has its
 * own line; `Always`: the action itself has no line.
 */
export type Lines = "Shadow" | "Always";

/** Hits that have one line together: `logged` is set by the first of them. */
export interface HitGroup {
  logged: boolean;
}

/** The client of a session, or of a handshake. */
export interface LimitedClient {
  /** Id of the session; absent: a handshake's. */
  readonly id?: string;
  readonly requestId: string;
  readonly address: string;
  /** Absent: a handshake's, whether it is known or not. */
  readonly identity?: Identity;
}

/** Counts one hit and logs it; true: the limit acts. */
export type Exceed = (client: LimitedClient, group: HitGroup) => boolean;

/** What happens whenever this limit is exceeded: each hit is counted, each group of hits has one line at most. */
export function exceedOf(limit: LimitName, { route, shadow, log, metrics }: LimitContext, lines: Lines): Exceed {
  const count = metrics.limitHit(limit.policy, limit.per, limit.action, shadow);
  const hasLine = shadow || lines === "Always";
  return ({ id, requestId, address, identity }, group) => {
    count();
    if (hasLine && !group.logged) {
      group.logged = true;
      const known = { session: id, requestId, route: route.name, client: identity?.client, address };
      accessLine(log, "LimitExceeded", { ...known, ...limit, shadow });
    }
    return !shadow;
  };
}
