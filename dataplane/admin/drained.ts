import { jsonAnswer, type AdminAnswer, type AdminClient } from "../../runtime/admin-port/admin-endpoint.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { ProcessDrain } from "./process-drain.ts";

/** Requests that wait at the same time. */
const MOST_WAITING = 64;
/**
 * For a drain to begin, in ms: the hooks of one pod run at the same time, and one of them begins it. That one is a process
 * of its own, which the kubelet starts: on a busy node, or with a small CPU limit, it takes seconds.
 */
const BEGINS_WITHIN = 10_000;

interface Waiting {
  readonly address: string;
  readonly settle: (answer: AdminAnswer) => void;
}

/**
 * The answers of `/drained`: a request waits until the drain is over, or finds that none begins. Begins nothing. Any pod
 * may ask, so the places are few, and an address that has many gives way to one that has fewer.
 */
export class Drained {
  readonly #drain: ProcessDrain;
  readonly #clock: Clock;
  /** Oldest first. */
  readonly #waiting = new Set<Waiting>();

  constructor(drain: ProcessDrain, clock: Clock) {
    this.#drain = drain;
    this.#clock = clock;
    drain.over.addEventListener("abort", () => {
      for (const one of [...this.#waiting]) one.settle(jsonAnswer({ status: "drained" }));
    });
  }

  answer({ address, gone }: AdminClient): AdminAnswer | Promise<AdminAnswer> {
    const { begun, over } = this.#drain;
    if (over.aborted) return jsonAnswer({ status: "drained" });
    if (gone.aborted || !this.#hasRoom(address)) return noRoom();
    return new Promise((answered) => {
      const left = (): void => one.settle(noRoom()); // the connection is closed: no answer is sent
      const timer = this.#clock.after(BEGINS_WITHIN, () => {
        if (!begun.aborted) one.settle(jsonAnswer({ status: "no drain" }));
      });
      const one: Waiting = {
        address,
        settle: (answer) => {
          timer.cancel();
          gone.removeEventListener("abort", left);
          this.#waiting.delete(one);
          answered(answer);
        },
      };
      gone.addEventListener("abort", left, { once: true });
      this.#waiting.add(one);
    });
  }

  /** False: this address has as many places as any other. */
  #hasRoom(address: string): boolean {
    if (this.#waiting.size < MOST_WAITING) return true;
    const places = new Map<string, number>();
    for (const one of this.#waiting) places.set(one.address, (places.get(one.address) ?? 0) + 1);
    const most = Math.max(...places.values());
    if (most <= (places.get(address) ?? 0) + 1) return false;
    const newest = [...this.#waiting].findLast((one) => places.get(one.address) === most);
    newest?.settle(noRoom());
    return true;
  }
}

function noRoom(): AdminAnswer {
  return jsonAnswer({ status: "too many requests wait" }, 503);
}
