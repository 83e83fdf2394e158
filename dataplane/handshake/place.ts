import type { CompiledRoute } from "../config/snapshot.ts";
import type { Identity } from "../identity.ts";
import { keysOf, type Leave, type Occupancy } from "../limits/occupancy.ts";
import type { Handshake } from "../opening-handshake.ts";
import type { Refusal } from "../rejection.ts";
import { giveBack, reserve, unavailable, wantedBy, type Asking, type Wanted } from "./reserve.ts";

/**
 * The place of an admitted client among the open connections of this process, and over all pods where these count
 * together. It is given back once, by `leave` or by what `handOver` returned.
 */
export class Place {
  readonly #handshake: Handshake;
  readonly #identity: Identity;
  readonly #route: CompiledRoute;
  readonly #asking: Asking;
  /** What the policies of the route want of the store. */
  readonly #wanted: readonly Wanted[];
  #leave: Leave | undefined;
  /** The store has the place: what is left is given back. Else the store is told anew what is left. */
  #certain = false;

  /** Takes the place in this process. */
  constructor(handshake: Handshake, identity: Identity, route: CompiledRoute, occupancy: Occupancy, asking: Asking) {
    this.#handshake = handshake;
    this.#identity = identity;
    this.#route = route;
    this.#asking = asking;
    // Before it counts itself: what limits in Shadow say of the sessions that are open.
    this.#wanted = route.shared
      ? wantedBy(route.chain, (policy) => policy.admitShared?.(handshake, identity))
      : NOTHING;
    this.#leave = occupancy.enter(route.name, identity, handshake);
  }

  /** Takes the place over all pods, in the turn in which it was made; why it cannot be had. Until then it counts here. */
  async reserve(): Promise<Refusal | undefined> {
    const asked = this.#asking.shared;
    if (asked === undefined) return undefined;
    const { name, needsStore } = this.#route;
    const keys = keysOf(name, this.#identity, this.#handshake);
    const counted = asked.places.needed(keys);
    const { refusal, places } = await reserve(this.#wanted, counted, this.#asking);
    const { shared } = this.#asking;
    if (places === "Taken") {
      this.#certain = true;
    } else if (places === "None") {
      // Kinds of keys that a limit needs since then were told with this place among them.
      const since = shared === asked ? keys.filter((key) => !counted.includes(key)) : keys;
      this.#leave?.();
      this.#leave = undefined;
      giveBack(since, shared, false);
    } else {
      giveBack(keys, shared, false);
    }
    if (refusal !== undefined || places !== "Unknown" || needsStore === undefined) return refusal;
    return unavailable(needsStore, shared);
  }

  leave(): void {
    const left = this.#leave?.();
    if (left !== undefined) giveBack(left, this.#asking.shared, this.#certain);
  }

  /** The session has the place; the returned function gives it back. */
  handOver(): () => void {
    // The returned function lives as long as the session, and must not keep the handshake in memory.
    const leave = this.#leave;
    const asking = this.#asking;
    this.#leave = undefined;
    return () => {
      const left = leave?.();
      if (left !== undefined) giveBack(left, asking.shared, true);
    };
  }
}

const NOTHING: readonly Wanted[] = [];
