import type { Clock } from "../../runtime/clock.ts";
import type { Pod } from "../watch/pod.ts";
import type { Wanted } from "./wanted.ts";
import type { AskPod, PodAnswer } from "./pod-report.ts";
import type { ProxyReport } from "../../api/report.ts";
import { textOf } from "./wanted.ts";

/** What is known of a pod after a look. */
export interface Finding {
  /** It serves what it is to. */
  readonly serves: boolean;
  /** It has what it is to serve, and refuses it. */
  readonly rejected: NonNullable<ProxyReport["rejected"]> | undefined;
  /** Why nothing is known of it, where it is the pod that gives no usable report. */
  readonly unusable: string | undefined;
}

/** What a pod is asked about. */
export interface Subject {
  /** `<namespace>/<name>` */
  readonly proxy: string;
  readonly wanted: Wanted;
  /** The admin token of the proxy; undefined: it cannot be read. */
  readonly token: string | undefined;
}

/** Pods that are asked at a time: each takes a connection. */
const AT_A_TIME = 32;
/** Milliseconds of one look; pods that were not asked in it come first in the next one. */
const LOOK = 1000;
/** A pod that gives no usable answer is asked again after this time, and then less and less often; ms. */
const AGAIN = 250;
const AGAIN_AT_MOST = 5000;
/** A pod takes a new token within seconds of its nudge; one that refuses it for so long is told of; ms. */
const TOKEN_PATIENCE = 90_000;

interface Known {
  readonly asked: number;
  /** What it was asked for. */
  readonly wanted: string;
  readonly finding: Finding;
  /** Answers in a row that were none. */
  readonly failures: number;
  /** Since when it refuses the token. */
  readonly unsynced: number | undefined;
}

const BEHIND: Finding = { serves: false, rejected: undefined, unusable: undefined };

/** Asks pods which config they serve, so that what one of them answers, or does not, costs little and holds up no other. */
export class PodInquiry {
  readonly #ask: AskPod;
  readonly #clock: Clock;
  /** By the pod's uid. */
  readonly #known = new Map<string, Known>();

  constructor(ask: AskPod, clock: Clock) {
    this.#ask = ask;
    this.#clock = clock;
  }

  /** What is known of each pod, in their order. Those that serve what they are to, or gave no usable answer lately, are not asked. */
  async look(
    pods: readonly Pod[],
    subject: Subject,
    signal: AbortSignal,
  ): Promise<readonly (Finding & { readonly pod: Pod })[]> {
    for (const pod of pods) this.#renew(pod, textOf(subject.wanted));
    const end = this.#clock.now() + LOOK;
    const due = pods.filter((pod) => this.#isDue(pod)).sort((a, b) => this.#askedAt(a) - this.#askedAt(b));
    for (let first = 0; first < due.length && this.#clock.now() < end && !signal.aborted; first += AT_A_TIME) {
      await Promise.all(due.slice(first, first + AT_A_TIME).map((pod) => this.#inquire(pod, subject, signal)));
    }
    return pods.map((pod) => ({ ...(this.#known.get(uidOf(pod))?.finding ?? BEHIND), pod }));
  }

  forget(uid: string): void {
    this.#known.delete(uid);
  }

  /** What a pod served before says nothing of what it is to serve now. */
  #renew(pod: Pod, wanted: string): void {
    const known = this.#known.get(uidOf(pod));
    if (known === undefined || known.wanted === wanted) return;
    this.#known.set(uidOf(pod), { ...known, wanted, finding: { ...BEHIND, unusable: known.finding.unusable } });
  }

  async #inquire(pod: Pod, { proxy, wanted, token }: Subject, signal: AbortSignal): Promise<void> {
    const address = pod.status?.podIP;
    const answer: PodAnswer =
      address === undefined ? { kind: "silent" } : await this.#ask({ address, proxy, token }, signal);
    const asked = this.#clock.now();
    const before = this.#known.get(uidOf(pod));
    const unsynced = answer.kind === "unsynced" ? (before?.unsynced ?? asked) : undefined;
    this.#known.set(uidOf(pod), {
      asked,
      wanted: textOf(wanted),
      failures: answer.kind === "silent" || answer.kind === "nonsense" ? (before?.failures ?? 0) + 1 : 0,
      unsynced,
      finding: findingOf(answer, wanted, unsynced === undefined ? 0 : asked - unsynced),
    });
  }

  #isDue(pod: Pod): boolean {
    const known = this.#known.get(uidOf(pod));
    if (known === undefined || known.failures === 0) return known?.finding.serves !== true;
    const { asked, failures } = known;
    return this.#clock.now() - asked >= Math.min(AGAIN * 2 ** (failures - 1), AGAIN_AT_MOST);
  }

  #askedAt(pod: Pod): number {
    return this.#known.get(uidOf(pod))?.asked ?? Number.NEGATIVE_INFINITY;
  }
}

function findingOf(answer: PodAnswer, wanted: Wanted, unsyncedFor: number): Finding {
  switch (answer.kind) {
    case "report": {
      const { hash, endpointsHash, rejected } = answer.report;
      const serves = hash === wanted.hash && endpointsHash === wanted.endpointsHash;
      return { ...BEHIND, serves, rejected: rejected?.hash === wanted.hash ? rejected : undefined };
    }
    case "nonsense":
      return { ...BEHIND, unusable: answer.words };
    case "silent":
      return BEHIND;
    case "unsynced":
      break;
  }
  return unsyncedFor < TOKEN_PATIENCE ? BEHIND : { ...BEHIND, unusable: "it refuses the operator's token" };
}

/** What a pod is remembered by: another one may come under its name. */
export function uidOf({ metadata }: Pod): string {
  return metadata.uid ?? metadata.name;
}
