import type { Clock } from "../../runtime/clock.ts";
import type { TraceStep } from "../../api/debug.ts";
import { hostPort } from "../../runtime/host-port.ts";
import type { Deciding } from "./deciding-step.ts";

interface Step {
  verdict?: "passed" | "shadow";
  reason?: string;
  /** In ms. */
  time: number;
}

/**
 * The policy trace of one handshake: which steps it went through, how long each took, and what each said. It is made only
 * while something watches. A step that is reported twice, such as a policy that acts before and behind the authentication,
 * is one step, its times added.
 */
export class Trace {
  readonly #clock: Clock;
  readonly #begun: number;
  readonly #steps = new Map<string, Step>();
  /** Up to here the time belongs to a step, or to none. */
  #mark: number;
  #policies: readonly string[] = [];
  #asksStore = false;
  #dialled: number | undefined;

  /** Where the client wants to go, as the log would say it. */
  host: string | undefined;
  path: string | undefined;
  /** Endpoint that was dialled last. */
  endpoint: string | undefined;
  /** From the first dial to the backend's answer, in ms. */
  dialMillis: number | undefined;
  /** Status of the backend's answer. */
  backendStatus: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#begun = clock.now();
    this.#mark = this.#begun;
  }

  /** The whole handshake so far, in ms. */
  get millis(): number {
    return rounded(this.#clock.now() - this.#begun);
  }

  /** The route's policies that have a step, in the chain's order; `asksStore`: some of them count over all pods. */
  planned(policies: readonly string[], asksStore: boolean): void {
    this.#policies = policies;
    this.#asksStore = asksStore;
  }

  /** The time since the last report belongs to no step. */
  pass(): void {
    this.#mark = this.#clock.now();
  }

  /** The time since the last report belongs to this step, which is not over. */
  spent(name: string): void {
    const now = this.#clock.now();
    this.#of(name).time += now - this.#mark;
    this.#mark = now;
  }

  /** The time since the last report belongs to this step, which has let the handshake pass unless it refuses it. */
  passed(name: string): void {
    this.spent(name);
    this.#of(name).verdict ??= "passed";
  }

  /** A limit of this policy in Shadow would have refused the handshake. */
  shadow(policy: string, reason: string): void {
    Object.assign(this.#of(policy), { verdict: "shadow", reason });
  }

  /** This endpoint is dialled now. */
  dials(endpoint: { readonly address: string; readonly port: number }): void {
    this.#dialled ??= this.#clock.now();
    this.endpoint = hostPort(endpoint.address, endpoint.port);
  }

  /** A backend has answered the handshake. */
  answered(status: number): void {
    if (status >= 100 && status <= 599) this.backendStatus = status;
  }

  /** The dial is over, whatever came of it. */
  dialEnded(): void {
    if (this.#dialled !== undefined) this.dialMillis = rounded(this.#clock.now() - this.#dialled);
    this.spent("backend");
  }

  /** All steps in order: those that the handshake did not come to are skipped. `refused`: the step that decided, and why. */
  steps(refused?: Deciding): TraceStep[] {
    const names = ["handshake", "route", "capacity", ...this.#policies];
    if (this.#asksStore || this.#steps.has("store")) names.push("store");
    // A policy that a newer version of the route has, and the one that was looked at first has not.
    if (refused !== undefined && !names.includes(refused.name) && !LAST.includes(refused.name))
      names.push(refused.name);
    return [...names, ...LAST].map((name) => stepOf(name, this.#steps.get(name), refused));
  }

  #of(name: string): Step {
    let step = this.#steps.get(name);
    if (step === undefined) this.#steps.set(name, (step = { time: 0 }));
    return step;
  }
}

const LAST: readonly string[] = ["backend", "answer"];

function stepOf(name: string, step: Step | undefined, refused: Deciding | undefined): TraceStep {
  const micros = step && { micros: Math.round(step.time * 10_000) / 10 };
  if (name === refused?.name) return { name, verdict: "refused", reason: refused.reason, ...micros };
  if (step?.verdict === undefined) return { name, verdict: "skipped" };
  return { name, verdict: step.verdict, ...(step.reason === undefined ? {} : { reason: step.reason }), ...micros };
}

/** To a µs. */
function rounded(millis: number): number {
  return Math.round(millis * 1000) / 1000;
}
