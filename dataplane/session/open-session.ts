import type { Log } from "../../runtime/log.ts";
import type { Client } from "../arrival.ts";
import type { Dialled } from "../backend/backend.ts";
import type { CompiledRoute } from "../config/snapshot.ts";
import type { Timeline } from "../debug/timeline.ts";
import type { SessionFacts } from "../handshake/context.ts";
import type { ProcessResources } from "../process-resources.ts";
import { tunnel } from "../tunnel/tunnel.ts";
import { Session } from "./session.ts";

/** A client whose 101 has been written, and the backend that it is joined to. */
export interface AcceptedClient {
  /** `<namespace>/<name>` */
  readonly proxy: string;
  readonly facts: SessionFacts;
  /** The one in force. */
  readonly route: CompiledRoute;
  readonly client: Client;
  readonly backend: Dialled;
  /** Frees its slot among the open connections. */
  readonly release: () => void;
}

/** Opens a session, which is one of `sessions` until both of its sockets are closed. Where it throws, nothing is left open. */
export function openSession(
  { proxy, facts, route, client, backend, release }: AcceptedClient,
  sessions: Set<Session>,
  log: Log,
  resources: ProcessResources,
  timeline: Timeline,
): Session {
  const { clock, random, reads, budget, loop, descriptors, ends, stopping, frames } = resources;
  const hungUp = descriptors.dial();
  const { metrics } = route; // and not the route, which the session would keep as long as it lives
  const session = new Session(facts, route, clock, log, timeline);
  sessions.add(session);
  frames.opening(proxy, session);
  try {
    session.opened(
      tunnel({
        client: { socket: client.socket, early: client.early },
        backend: { socket: backend.socket, early: backend.early },
        reads,
        budget,
        loop,
        plan: route.plan(session),
        clock,
        deflate: backend.extensions !== undefined,
        counts: session,
        timeline: session,
        tap: session.tap,
        random,
        stopping,
        turns: (task) => ends.run(task),
        over: release, // a client that comes back at once finds a slot, however long the other end takes to hang up
        closed: (end) => {
          hungUp();
          sessions.delete(session);
          frames.closed(session);
          session.closed(end);
        },
        slowConsumer: () => metrics.slowConsumer(),
      }),
      facts.trace,
    );
  } catch (fault) {
    // Without a tunnel nothing would ever tell that the session has ended.
    hungUp();
    sessions.delete(session);
    frames.closed(session);
    backend.socket.destroy();
    release();
    throw fault;
  }
  return session;
}
