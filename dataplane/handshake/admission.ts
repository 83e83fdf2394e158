import type { Handshake } from "../opening-handshake.ts";
import type { Identity } from "../identity.ts";
import { Memory } from "../memory.ts";
import { review, watch } from "../policies/permission.ts";
import type { Party } from "../policy.ts";
import { refusalOf, type Refusal } from "../rejection.ts";
import type { CompiledRoute } from "../config/snapshot.ts";

/**
 * A client that was admitted and has no answer yet, since its backend is still dialled. The config in force may take its
 * permission back, as it may a session's.
 */
export class Admission implements Party {
  readonly requestId: string;
  readonly identity: Identity;
  readonly address: string;
  readonly addressSubject: string;
  readonly openedAt: number;
  readonly memory = new Memory();
  #unwatch = (): void => {};

  /** `openedAt`: when the handshake began, on the monotonic clock. */
  constructor({ requestId, address, addressSubject }: Handshake, identity: Identity, openedAt: number) {
    this.requestId = requestId;
    this.identity = identity;
    this.address = address;
    this.addressSubject = addressSubject;
    this.openedAt = openedAt;
  }

  /** Why the route in force refuses the client; undefined: the permission holds. */
  review(route: CompiledRoute | undefined): Refusal | undefined {
    if (route === undefined) return { reason: "RouteNotFound" };
    const termination = review(route.chain, this);
    return termination && refusalOf(termination);
  }

  /** Calls `lost` when the permission goes away by time or by an issuer's answer; replaces an earlier watch. */
  watch(route: CompiledRoute, lost: (refusal: Refusal) => void): void {
    this.#unwatch();
    this.#unwatch = watch(route.chain, this, (termination) => lost(refusalOf(termination)));
  }

  unwatch(): void {
    this.#unwatch();
    this.#unwatch = () => {};
  }
}
