import type { Socket } from "node:net";
import type { Clock } from "../../runtime/clock.ts";
import type { Spread } from "../../runtime/loop/spread.ts";
import type { Client } from "../arrival.ts";
import type { Dialled } from "../backend/backend.ts";
import type { CompiledRoute, Snapshot } from "../config/snapshot.ts";
import type { Identity } from "../identity.ts";
import type { Occupancy } from "../limits/occupancy.ts";
import type { Handshake } from "../opening-handshake.ts";
import type { Refusal } from "../rejection.ts";
import type { Attempt } from "./attempt.ts";

/** What is known of a session when it opens. */
export interface SessionFacts {
  readonly requestId: string;
  readonly identity: Identity;
  readonly address: string;
  readonly addressSubject: string;
  readonly protocol: string | undefined;
  readonly endpoint: string;
}

/** What a handshake uses of the proxy that serves it. */
export interface HandshakeContext {
  readonly clock: Clock;
  /** undefined: no config is in force yet. */
  readonly snapshot: Snapshot | undefined;
  /** Handshakes that are answered from now on are refused. */
  readonly draining: boolean;
  readonly occupancy: Occupancy;
  /** The turns of backends' answers. */
  readonly answers: Spread;
  /** Registers a handshake; `method` as far as it is known, `head`: how many bytes came behind it. */
  begin(socket: Socket, method?: string, head?: number): Attempt;
  /** Refuses where the pod has as many sessions and handshakes as it may, or its buffers are near their budget. */
  overload(): Refusal | undefined;
  /** A route as it is now; undefined: there is none of that name any more. */
  route(name: string): CompiledRoute | undefined;
  /** The newest version of a route that a handshake was found to be for: its own, where the newest is not for it. */
  newest(found: CompiledRoute, handshake: Handshake): CompiledRoute;
  /** Opens the session of a client whose 101 has been written. `release` frees its place among the open connections. */
  open(facts: SessionFacts, route: CompiledRoute, client: Client, backend: Dialled, release: () => void): void;
}
