import type { Clock } from "../../runtime/clock.ts";
import type { Pod } from "../watch/pod.ts";
import type { AskPod, PodAnswer } from "./pod-report.ts";
import type { ProxyReport } from "../../api/report.ts";
import { WantedHistory } from "./wanted-history.ts";
import { textOf, type Target, type Wanted } from "./wanted.ts";

/** What the operator knows of a pod after a look. */
export interface Finding {
  /** It serves what it is to serve. */
  readonly serves: boolean;
  /** It serves an earlier generation, by what it said last. */
  readonly outdated: boolean;
  /** For too long it has not served what it is to serve, whatever that was. */
  readonly late: boolean;
  /** It is late, and gave no answer several times in a row. */
  readonly silent: boolean;
  /** It gave no answer to the last question, or was not asked. */
  readonly quiet: boolean;
  /** It has served nothing that it was to serve since this process began to look. */
  readonly unproven: boolean;
  /** It has what it is to serve, and refuses it. */
  readonly rejected: NonNullable<ProxyReport["rejected"]> | undefined;
  /** By what it said last, it refuses what came last, which may be older than what it is to serve. */
  readonly refuses: boolean;
  /** Why its report is of no use; undefined: the report is usable, or none came. */
  readonly unusable: string | undefined;
}

/** Pods of one proxy that are asked at the same time: each takes a connection. */
const AT_A_TIME = 32;
/** Milliseconds of one look; the next look asks first the pods that this one did not reach. */
const LOOK = 1000;
/** A pod that gives no usable answer is asked again after this time, and then less and less often; ms. */
const AGAIN = 250;
const AGAIN_AT_MOST = 5000;
/** Questions in a row without an answer from which on a pod is silent: a busy pod may leave one out. */
const SILENT_FROM = 4;
/** A pod takes a new token within seconds of its nudge; the status names a pod that refuses it for so long; ms. */
const TOKEN_PATIENCE = 90_000;
/** A pod takes a change within a second or two; the status names a pod that has not taken it after this time; ms. */
const LATE = 10_000;

interface Asked {
  readonly at: number;
  /** What it was asked for. */
  readonly wanted: string;
  readonly finding: Answered;
  /** Questions in a row without a usable answer. */
  readonly failures: number;
  /** Since when it refuses the token. */
  readonly unsynced: number | undefined;
}

type Answered = Pick<Finding, "serves" | "silent" | "rejected" | "unusable">;

/** What is known of a pod beyond its last answer. */
interface Known {
  /** Of the config that it served last. */
  readonly generation: number | undefined;
  /** Did it ever serve what it was to serve? */
  readonly proven: boolean;
  readonly refuses: boolean;
  /** Since when it does not serve what it is to serve; undefined: it does. */
  readonly behind: number | undefined;
}

const BEHIND: Answered = { serves: false, silent: false, rejected: undefined, unusable: undefined };
const UNKNOWN: Known = { generation: undefined, proven: false, refuses: false, behind: undefined };

/** Asks pods which config they serve. A pod that answers badly, or not at all, costs little and holds up no other pod. */
export class PodInquiry {
  readonly #ask: AskPod;
  readonly #clock: Clock;
  /** By the pod's uid. */
  readonly #asked = new Map<string, Asked>();
  readonly #known = new Map<string, Known>();
  /** By proxy. */
  readonly #histories = new Map<string, WantedHistory>();

  constructor(ask: AskPod, clock: Clock) {
    this.#ask = ask;
    this.#clock = clock;
  }

  /**
   * The finding on each pod, in the order of `pods`. A pod that serves what it is to serve, or gave no usable answer a moment
   * ago, is not asked again.
   */
  async look(
    pods: readonly Pod[],
    target: Target,
    signal: AbortSignal,
  ): Promise<readonly (Finding & { readonly pod: Pod })[]> {
    const history = this.#histories.get(target.proxy) ?? new WantedHistory();
    this.#histories.set(target.proxy, history);
    history.want(target.wanted, this.#clock.now());
    for (const pod of pods) this.#renew(pod, textOf(target.wanted));
    const end = this.#clock.now() + LOOK;
    const due = pods.filter((pod) => this.#isDue(pod)).sort((a, b) => this.#askedAt(a) - this.#askedAt(b));
    for (let first = 0; first < due.length && this.#clock.now() < end && !signal.aborted; first += AT_A_TIME) {
      await Promise.all(due.slice(first, first + AT_A_TIME).map((pod) => this.#inquire(pod, target, signal)));
    }
    return pods.map((pod) => ({ ...this.#finding(pod, target.generation, signal), pod }));
  }

  forget(uid: string): void {
    this.#asked.delete(uid);
    this.#known.delete(uid);
  }

  #finding(pod: Pod, generation: number, signal: AbortSignal): Finding {
    const now = this.#clock.now();
    const asked = this.#asked.get(uidOf(pod));
    const answered = asked?.finding ?? BEHIND;
    const last = this.#known.get(uidOf(pod));
    const behind = answered.serves ? undefined : (last?.behind ?? now);
    const known: Known = answered.serves
      ? { generation, proven: true, refuses: false, behind }
      : { ...(last ?? UNKNOWN), behind };
    // The pod may have been forgotten since.
    if (!signal.aborted) this.#known.set(uidOf(pod), known);
    const late = behind !== undefined && now - behind >= LATE;
    return {
      ...answered,
      outdated: known.generation !== undefined && known.generation !== generation,
      late,
      silent: late && answered.silent && (asked?.failures ?? 0) >= SILENT_FROM,
      quiet: asked === undefined || answered.silent,
      unproven: !known.proven,
      refuses: known.refuses,
    };
  }

  /** Forgets a proxy that is gone; its pods are forgotten one by one. */
  forgetProxy(proxy: string): void {
    this.#histories.delete(proxy);
  }

  /** A report that tells no generation leaves what was known: an older data plane tells none. */
  #learn(pod: Pod, proxy: string, answer: PodAnswer): void {
    if (answer.kind !== "report") return;
    const { report } = answer;
    const last = this.#known.get(uidOf(pod)) ?? UNKNOWN;
    const since = this.#histories.get(proxy)?.behindSince(report);
    this.#known.set(uidOf(pod), {
      generation: report.generation ?? last.generation,
      proven: last.proven || since !== undefined,
      refuses: report.rejected !== undefined,
      behind: since ?? last.behind,
    });
  }

  /** A finding about another config says nothing about this one. */
  #renew(pod: Pod, wanted: string): void {
    const last = this.#asked.get(uidOf(pod));
    if (last === undefined || last.wanted === wanted) return;
    const { silent, unusable } = last.finding;
    this.#asked.set(uidOf(pod), { ...last, wanted, finding: { ...BEHIND, silent, unusable } });
  }

  async #inquire(pod: Pod, { proxy, wanted, token }: Target, signal: AbortSignal): Promise<void> {
    const address = pod.status?.podIP;
    const answer: PodAnswer =
      address === undefined
        ? { kind: "silent" }
        : await this.#ask({ address, port: pod.adminPort, proxy, token }, signal);
    // A question that was given up says nothing of the pod.
    if (signal.aborted) return;
    this.#learn(pod, proxy, answer);
    const at = this.#clock.now();
    const before = this.#asked.get(uidOf(pod));
    const unsynced = answer.kind === "unsynced" ? (before?.unsynced ?? at) : undefined;
    this.#asked.set(uidOf(pod), {
      at,
      wanted: textOf(wanted),
      failures: answer.kind === "silent" || answer.kind === "nonsense" ? (before?.failures ?? 0) + 1 : 0,
      unsynced,
      finding: findingOf(answer, wanted, unsynced === undefined ? 0 : at - unsynced),
    });
  }

  #isDue(pod: Pod): boolean {
    const last = this.#asked.get(uidOf(pod));
    if (last === undefined || last.failures === 0) return last?.finding.serves !== true;
    const { at, failures } = last;
    return this.#clock.now() - at >= Math.min(AGAIN * 2 ** (failures - 1), AGAIN_AT_MOST);
  }

  #askedAt(pod: Pod): number {
    return this.#asked.get(uidOf(pod))?.at ?? Number.NEGATIVE_INFINITY;
  }
}

function findingOf(answer: PodAnswer, wanted: Wanted, unsyncedFor: number): Answered {
  switch (answer.kind) {
    case "report": {
      const { hash, endpointsHash, rejected } = answer.report;
      const serves = hash === wanted.hash && endpointsHash === wanted.endpointsHash;
      return { ...BEHIND, serves, rejected: rejected?.hash === wanted.hash ? rejected : undefined };
    }
    case "nonsense":
      return { ...BEHIND, unusable: answer.words };
    case "silent":
      return { ...BEHIND, silent: true };
    case "unsynced":
      break;
  }
  return unsyncedFor < TOKEN_PATIENCE ? BEHIND : { ...BEHIND, unusable: "it refuses the operator's token" };
}

/** A pod is remembered by its uid: another pod may get its name. */
export function uidOf({ metadata }: Pod): string {
  return metadata.uid ?? metadata.name;
}
