import type { WebSocketProxyStatus } from "../../api/status.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Recorder } from "../kube/events.ts";
import { keyOf, type KubeObject } from "../kube/kinds.ts";
import { EventBudget } from "./event-budget.ts";
import { eventTypeOf, toldBy, type EventType, type Standing } from "./event-rule.ts";

/** What is remembered of one condition of a proxy. */
interface Topic {
  /** As it stands in the status now. */
  readonly now: Standing | undefined;
  /** As the last Event told it. */
  readonly told: Standing | undefined;
  /** Events that were not made, since there were too many; the last of them, if it is still to be made. */
  readonly held: number;
  readonly waiting?: Standing;
  /** A new proxy has lacked this from its start on. */
  readonly isLacking?: boolean;
}

/** What a new proxy names may come right after it, as in one `kubectl apply`: for this time it is not missed; ms. */
const START = 10_000;

interface Known {
  readonly uid: string;
  readonly since: number;
  readonly topics: Map<string, Topic>;
}

/**
 * Tells of a proxy in Events: one for each state that a person must know of, however often the status changes. What comes
 * too fast is held back, and a later Event says for how many it stands. What an earlier operator told, the status says.
 */
export class StateEvents {
  readonly #recorder: Pick<Recorder, "record" | "forget">;
  readonly #budget: EventBudget;
  readonly #clock: Clock;
  /** Proxy → its uid, when this process saw it first, and its conditions by their types. */
  readonly #known = new Map<string, Known>();

  constructor(recorder: Pick<Recorder, "record" | "forget">, clock: Clock) {
    this.#recorder = recorder;
    this.#budget = new EventBudget(clock);
    this.#clock = clock;
  }

  /**
   * `status` stands in the proxy now, `before` stood there. Resolves with the time after which an Event that was held back
   * can be made, in ms; undefined: none was.
   */
  async tell(
    proxy: KubeObject,
    status: WebSocketProxyStatus,
    before: WebSocketProxyStatus | undefined,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const key = keyOf(proxy);
    const { topics, since } = this.#knownOf(proxy);
    const all = status.conditions ?? [];
    const young = since + START - this.#clock.now();
    const waits: number[] = [];
    for (const now of all) {
      const last = topics.get(now.type);
      const standing = before?.conditions?.find(({ type }) => type === now.type);
      const known = topicOf(last, standing);
      // What this process wrote last is no longer the last Event: the same one again is news.
      if (last !== undefined && known !== last) this.#recorder.forget(proxy.metadata.uid ?? "");
      const event = eventTypeOf(now, known.told, status);
      const isLacking = lacksFromStart(now, last, standing);
      if (event === undefined) topics.set(now.type, { told: known.told, held: known.held, now });
      else if (isLacking && young > 0) {
        waits.push(young);
        topics.set(now.type, { told: known.told, held: known.held, now, isLacking });
      } else if (this.#budget.take(key))
        topics.set(now.type, await this.#record(proxy, event, { ...known, now }, signal));
      else {
        const isSame = known.waiting !== undefined && isOneState(known.waiting, now);
        topics.set(now.type, { told: known.told, held: known.held + (isSame ? 0 : 1), now, waiting: now });
        waits.push(this.#budget.wait(key));
      }
    }
    return waits.length === 0 ? undefined : Math.min(...waits);
  }

  /** Forgets a proxy that is gone. */
  forget(proxy: string): void {
    const known = this.#known.get(proxy);
    if (known !== undefined) this.#recorder.forget(known.uid);
    this.#known.delete(proxy);
  }

  async #record(
    proxy: KubeObject,
    type: EventType,
    { told, held, now, waiting }: Topic & { readonly now: Standing },
    signal: AbortSignal,
  ): Promise<Topic> {
    const others = held - (waiting !== undefined && isOneState(waiting, now) ? 1 : 0);
    const event = { type, reason: now.reason, note: noteOf(now, others) };
    const isWritten = await this.#recorder.record(proxy, now.type, event, signal);
    return isWritten ? { told: now, held: 0, now } : { told, held, now };
  }

  #knownOf(proxy: KubeObject): Known {
    const { uid = "" } = proxy.metadata;
    const known = this.#known.get(keyOf(proxy));
    if (known?.uid === uid) return known;
    const fresh = { uid, since: this.#clock.now(), topics: new Map<string, Topic>() };
    this.#known.set(keyOf(proxy), fresh);
    return fresh;
  }
}

/** What is known of a condition. If it stands otherwise than this process left it, another operator has told of it since. */
function topicOf(known: Topic | undefined, standing: Standing | undefined): Topic {
  const isOurs = known?.now !== undefined && standing !== undefined && isOneState(known.now, standing);
  return isOurs ? known : { now: standing, told: toldBy(standing) ?? known?.told, held: 0 };
}

/** Does a new proxy lack, since this process saw it first, some of what it names? */
function lacksFromStart({ type, status }: Standing, last: Topic | undefined, standing: Standing | undefined): boolean {
  if (type !== "ResolvedRefs" || status !== "False") return false;
  return last === undefined ? standing === undefined : last.isLacking === true;
}

function isOneState(one: Standing, other: Standing): boolean {
  return (
    one.status === other.status && one.reason === other.reason && one.observedGeneration === other.observedGeneration
  );
}

/** One line: `kubectl describe` shows it in a table. */
function noteOf({ type, message, observedGeneration }: Standing, others: number): string {
  const generation = observedGeneration === undefined ? "" : ` (generation ${observedGeneration})`;
  const more = others <= 0 ? "" : `Changed ${others + 1} times since its last Event. `;
  return `${more}${type}${generation}: ${message}`.replaceAll(/[\s\p{Cc}]+/gu, " ");
}
