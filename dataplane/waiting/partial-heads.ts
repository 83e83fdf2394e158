import type { Newcomer } from "./newcomer.ts";
import type { BufferBudget, Consumer } from "../process/buffer-budget.ts";

/** Holds sockets without a complete head. */
interface Room {
  readonly entries: ReadonlySet<Newcomer>;
  giveUp(entry: Newcomer): void;
}

/** What each byte of a head costs before it is complete: the parser has made strings and lists of it already. */
const COST = 4;
/** Bytes of a head that is waited for in any case: honest ones are no larger, and all that there may be cost 32 MiB. */
const SMALL = 2048;
/** Heads that are given up in one turn. */
const MOST_IN_A_TURN = 100;

/** Request heads that are not complete: the budget counts them, and near its limit large ones are answered with 408. */
export class PartialHeads implements Consumer {
  readonly #room: Room;
  readonly #budget: BufferBudget;
  kept = 0;
  /** In ms: as that of a receiver that takes nothing. */
  readonly stalled = 10_000;

  constructor(room: Room, budget: BufferBudget) {
    this.#room = room;
    this.#budget = budget;
  }

  /** A head has begun: it is looked at now and then. */
  begun(): void {
    this.#budget.attend(this);
  }

  look(): void {
    const heads = this.#heads();
    this.#budget.change(this, COST * bytesOf(heads));
    if (heads.length === 0) this.#budget.dismiss(this);
  }

  shed(): number {
    const heads = this.#heads();
    const heavy = Math.max(SMALL, bytesOf(heads) / heads.length);
    // A client in its TLS handshake has no head yet, and cannot be sent an answer.
    const given = heads.filter((head) => isSecured(head) && sizeOf(head) >= heavy);
    for (const head of given.slice(0, MOST_IN_A_TURN)) this.#room.giveUp(head);
    this.look();
    return 0;
  }

  #heads(): Newcomer[] {
    return [...this.#room.entries].filter(({ begun }) => begun);
  }
}

function isSecured({ host, talker, socket }: Newcomer): boolean {
  return !host.tls || talker !== socket;
}

/** Bytes that came of a head; of a TLS socket those of the socket below count until it is secured. */
function sizeOf({ talker, socket }: Newcomer): number {
  return talker.bytesRead || socket.bytesRead;
}

function bytesOf(heads: readonly Newcomer[]): number {
  return heads.reduce((sum, head) => sum + sizeOf(head), 0);
}
