import type { Socket } from "node:net";
import type { Clock } from "../../runtime/clock.ts";
import type { Spread } from "../../runtime/loop/spread.ts";
import type { Client } from "../arrival.ts";
import type { Dialled } from "../backend/backend.ts";
import type { CompiledRoute, Snapshot } from "../config/snapshot.ts";
import type { Trace } from "../debug/trace.ts";
import type { Identity } from "../identity.ts";
import type { Occupancy } from "../limits/occupancy.ts";
import type { Handshake } from "../opening-handshake.ts";
import type { Refusal } from "../rejection.ts";
import type { Attempt } from "./attempt.ts";
import type { Asking } from "./reserve.ts";

/** What is known of a session when it opens. */
export interface SessionFacts {
  readonly requestId: string;
  readonly identity: Identity;
  readonly address: string;
  readonly addressSubject: string;
  readonly protocol: string | undefined;
  readonly endpoint: string;
  /** Of its handshake, where something watched; not to be kept. */
  readonly trace?: Trace;
}

/** What a handshake uses of the proxy that serves it. */
export interface HandshakeContext extends Asking {
  readonly clock: Clock;
  /** undefined: no config is in force yet. */
  readonly snapshot: Snapshot | undefined;
  /** The proxy stops: a handshake that would be answered now is refused. */
  readonly draining: boolean;
  /** The process stops, and may still take clients: a backend that is gone now has stopped with it. */
  readonly stopping: boolean;
  /** Why that port of the pod is no backend; undefined: it may be one. */
  readonly ownPort: (port: number) => string | undefined;
  readonly occupancy: Occupancy;
  /** Spreads the handling of backends' answers over turns of the event loop. */
  readonly answers: Spread;
  /** Registers a handshake; `method` as far as it is known, `early`: how many early bytes came with it. */
  begin(socket: Socket, method?: string, early?: number): Attempt;
  /** Refuses where the pod is at its bound of sessions and handshakes, or its buffers are near their budget. */
  overload(): Refusal | undefined;
  /** The route in force of that name; undefined: there is none any more. */
  route(name: string): CompiledRoute | undefined;
  /** The route in force of the same name, where it still matches the handshake; else the route that was found. */
  newest(found: CompiledRoute, handshake: Handshake): CompiledRoute;
  /** Opens the session of a client whose 101 has been written. `release` frees its slot among the open connections. */
  open(facts: SessionFacts, route: CompiledRoute, client: Client, backend: Dialled, release: () => void): void;
}
