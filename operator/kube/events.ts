import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { isNamespaceGone } from "./api-error.ts";
import type { Caller } from "./call.ts";
import { KINDS, pathOf, type KubeObject } from "./kinds.ts";
import { microTime } from "./micro-time.ts";

/** What happened to an object, for those who `kubectl describe` it. */
export interface Happening {
  readonly type: "Normal" | "Warning";
  /** UpperCamelCase, of a closed set. */
  readonly reason: string;
  readonly note: string;
}

/** Bytes. */
const MAX_NOTE = 1024;
/** Objects of which the last happening is remembered. */
const MAX_REMEMBERED = 10_000;

/**
 * Writes Events: one for each state that changes, none for a pass that finds everything as it was. Losing one is no
 * failure of a pass.
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

  /** `topic`: what the happening is about; a happening equal to the last one on the same topic is not written again. */
  async record(object: KubeObject, topic: string, happening: Happening, signal: AbortSignal): Promise<void> {
    const { apiVersion, kind, metadata } = object;
    const { name, namespace = "default", uid = "" } = metadata;
    const key = `${uid} ${topic}`;
    const text = JSON.stringify(happening);
    if (this.#last.get(key) === text) return;
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
          type: happening.type,
          reason: happening.reason,
          note: shortened(happening.note),
        },
        signal,
      });
    } catch (error) {
      this.#last.delete(key);
      const level = isNamespaceGone(error) ? "debug" : "warn";
      if (!signal.aborted) this.#log[level]({ err: error, object: `${namespace}/${name}` }, "event not written");
    }
  }

  /** What was last said of an object that is gone. */
  forget(uid: string): void {
    for (const key of this.#last.keys()) if (key.startsWith(`${uid} `)) this.#last.delete(key);
  }
}

/** At most MAX_NOTE bytes, no character cut in two. */
function shortened(note: string): string {
  const bytes = Buffer.from(note);
  if (bytes.length <= MAX_NOTE) return note;
  const whole = new TextDecoder("utf-8").decode(bytes.subarray(0, MAX_NOTE - 3), { stream: true });
  return `${whole}…`;
}
