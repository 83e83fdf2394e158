import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { isNamespaceGone } from "./api-error.ts";
import type { Caller } from "./call.ts";
import { KINDS, pathOf, type KubeObject } from "./kinds.ts";
import { microTime } from "./micro-time.ts";

/** What an Event says of an object, as `kubectl describe` shows it. */
export interface ObjectEvent {
  readonly type: "Normal" | "Warning";
  /** UpperCamelCase, of a closed set. */
  readonly reason: string;
  readonly note: string;
}

/** Longest note that the API server takes; bytes. */
const MAX_NOTE = 1024;
/** Most topics of which the last event is remembered. */
const MAX_REMEMBERED = 10_000;

/**
 * Writes Events: one when the state of a topic changes, none while it stays the same. An Event that cannot be written is
 * logged; it makes no pass fail.
 */
export class Recorder {
  readonly #client: Caller;
  readonly #instance: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #last = new Map<string, string>();

  /** `instance` names this process. */
  constructor(client: Caller, instance: string, clock: Clock, log: Log) {
    this.#client = client;
    this.#instance = instance;
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * `topic`: what of the object the event is about. An event equal to the last one of its topic is not written again.
   * Resolves with whether the API server has the event.
   */
  async record(object: KubeObject, topic: string, event: ObjectEvent, signal: AbortSignal): Promise<boolean> {
    const { apiVersion, kind, metadata } = object;
    const { name, namespace = "default", uid = "" } = metadata;
    const key = `${uid} ${topic}`;
    const text = JSON.stringify(event);
    if (this.#last.get(key) === text) return true;
    this.#last.delete(key);
    this.#last.set(key, text);
    const [oldest] = this.#last.keys();
    if (this.#last.size > MAX_REMEMBERED && oldest !== undefined) this.#last.delete(oldest);
    try {
      await this.#client.request({
        method: "POST",
        path: pathOf(KINDS.Event, namespace),
        body: {
          apiVersion: KINDS.Event.apiVersion,
          kind: KINDS.Event.kind,
          metadata: { namespace, generateName: `${name.slice(0, 200).replace(/[.-]+$/, "")}-` },
          eventTime: microTime(this.#clock.wall()),
          reportingController: "wsproxy.dev/operator",
          reportingInstance: this.#instance.slice(0, 128),
          action: "Reconcile",
          regarding: { apiVersion, kind, namespace, name, uid },
          type: event.type,
          reason: event.reason,
          note: fittingNote(event.note),
        },
        signal,
      });
      return true;
    } catch (error) {
      this.#last.delete(key);
      const level = isNamespaceGone(error) ? "debug" : "warn";
      if (!signal.aborted) this.#log[level]({ err: error, object: `${namespace}/${name}` }, "event not written");
      return false;
    }
  }

  /** Forgets the events of an object that is gone. */
  forget(uid: string): void {
    for (const key of this.#last.keys()) if (key.startsWith(`${uid} `)) this.#last.delete(key);
  }
}

/** At most MAX_NOTE bytes, no character cut in two. */
function fittingNote(note: string): string {
  const bytes = Buffer.from(note);
  if (bytes.length <= MAX_NOTE) return note;
  const whole = new TextDecoder("utf-8").decode(bytes.subarray(0, MAX_NOTE - 3), { stream: true });
  return `${whole}…`;
}
