import type { BufferBudget, Consumer } from "../process/buffer-budget.ts";
import type { Attempt } from "./attempt.ts";

/** A handshake under way: how many early bytes it has, and its refusal for want of memory. */
type EarlySender = Pick<Attempt, "early" | "shed">;

/** Handshakes that are refused in one turn. */
const MOST_IN_A_TURN = 100;

/** Early bytes of all handshakes: the budget counts them, and near its limit the clients that sent most are refused. */
export class EarlyBytes implements Consumer {
  readonly #handshakes: ReadonlySet<EarlySender>;
  readonly #budget: BufferBudget;
  kept = 0;
  /** In ms: as that of a receiver that takes nothing. */
  readonly stalled = 10_000;

  constructor(handshakes: ReadonlySet<EarlySender>, budget: BufferBudget) {
    this.#handshakes = handshakes;
    this.#budget = budget;
  }

  /** A handshake has begun: its early bytes are looked at now and then. */
  begun(): void {
    this.#budget.attend(this);
  }

  look(): void {
    let sum = 0;
    for (const { early } of this.#handshakes) sum += early;
    this.#budget.change(this, sum);
    if (this.#handshakes.size === 0) this.#budget.dismiss(this);
  }

  shed(): number {
    const average = this.kept / this.#handshakes.size;
    const heavy = [...this.#handshakes].filter(({ early }) => early > 0 && early >= average);
    for (const handshake of heavy.slice(0, MOST_IN_A_TURN)) handshake.shed();
    this.look();
    return 0;
  }
}
