import type { WebSocketProxyStatus } from "../../api/status.ts";
import { FakeClock } from "./clock.ts";
import type { ObjectEvent } from "../../operator/kube/events.ts";
import type { KubeObject } from "../../operator/kube/kinds.ts";
import { StateEvents } from "../../operator/report/events.ts";

const { signal } = new AbortController();
const TYPES = ["Accepted", "ResolvedRefs", "Programmed", "Ready"];
const HOLDS = new Set(["Accepted", "PartiallyAccepted", "ResolvedRefs", "Programmed", "Ready"]);

/** A status as its four reasons say. */
export function statusOf(words: string, generation = 1, message = "Some words."): WebSocketProxyStatus {
  const conditions = words.split(" ").map((reason, index) => {
    const type = TYPES[index] ?? "";
    const unread = type === "ResolvedRefs" && reason === "NotAccepted";
    const status: "True" | "False" | "Unknown" = unread ? "Unknown" : HOLDS.has(reason) ? "True" : "False";
    const lastTransitionTime = "2026-01-01T00:00:00Z";
    return { type, status, reason, message, observedGeneration: generation, lastTransitionTime };
  });
  return { observedGeneration: generation, conditions };
}

export const STARTS = "Accepted ResolvedRefs Pending NoReadyPods";
export const SERVES = "Accepted ResolvedRefs Programmed Ready";
export const ROLLS = "Accepted ResolvedRefs RollingOut Ready";
export const STUCK = "Accepted ResolvedRefs RolloutStuck Ready";
export const DOWN = "Accepted ResolvedRefs RollingOut NoReadyPods";

/** A proxy whose status changes, and the Events that come of it. */
export class EventBench {
  readonly clock = new FakeClock();
  readonly notes: string[] = [];
  readonly #events: string[] = [];
  readonly #recorder = {
    record: (_object: KubeObject, topic: string, { type, reason, note }: ObjectEvent): Promise<boolean> => {
      if (this.refuses) return Promise.resolve(false);
      this.#events.push(`${type} ${topic} ${reason}`);
      this.notes.push(note);
      return Promise.resolve(true);
    },
    forget: (uid: string) => void this.forgotten.push(uid),
  };
  readonly forgotten: string[] = [];
  refuses = false;
  uid = "uid-1";
  standing: WebSocketProxyStatus | undefined;
  teller = new StateEvents(this.#recorder, this.clock);

  /** One pass. Resolves with the time after which another one has something to tell. */
  async pass(words: string, generation = 1, message?: string): Promise<number | undefined> {
    const status = statusOf(words, generation, message);
    const proxy = { apiVersion: "v1", kind: "P", metadata: { namespace: "demo", name: "chat", uid: this.uid } };
    const wait = await this.teller.tell(proxy, status, this.standing, signal);
    this.standing = status;
    return wait;
  }

  async passes(...all: readonly string[]): Promise<void> {
    for (const words of all) await this.pass(words);
  }

  /** Another process begins to lead. */
  restart(): void {
    this.teller = new StateEvents(this.#recorder, this.clock);
  }

  /** The Events since the last call. */
  get events(): readonly string[] {
    return this.#events.splice(0);
  }
}
