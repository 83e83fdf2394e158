import { CLIENTS, type FleetPod } from "./store-fleet.ts";
import type { Visit } from "./visits.ts";

const TICK = 10;
/** Handshakes under way at most: where the machine is slower than the rate, it is what the machine can. */
const UNDER_WAY = 100;
/** How long a session stays open, in ms. */
const STAY = 30;

/** Short visits at a steady rate, in turn to each of some gateways. */
export class HandshakeLoad {
  /** Those that were answered, with the gateway that did. */
  readonly answered: { readonly pod: FleetPod; readonly visit: Visit }[] = [];
  readonly #timer: NodeJS.Timeout;
  #underWay = 0;
  #turn = 0;
  #begun = performance.now();
  #sent = 0;

  /** `perSecond`: of all gateways together. */
  constructor(pods: readonly FleetPod[], perSecond: number) {
    this.#timer = setInterval(() => {
      const due = ((performance.now() - this.#begun) / 1000) * perSecond;
      for (; this.#sent < due; this.#sent += 1) {
        const pod = pods[(this.#turn += 1) % pods.length];
        if (pod !== undefined && this.#underWay < UNDER_WAY) void this.#visit(pod);
      }
    }, TICK);
  }

  /** Resolves when each handshake is answered and no session is open. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    while (this.#underWay > 0) await new Promise((resolve) => setTimeout(resolve, TICK));
  }

  async #visit(pod: FleetPod): Promise<void> {
    this.#underWay += 1;
    const visit = await pod.visit(CLIENTS[this.#turn % CLIENTS.length] ?? "", "/passing");
    this.answered.push({ pod, visit });
    if (visit.open) setTimeout(() => visit.leave(), STAY);
    this.#underWay -= 1;
  }
}
