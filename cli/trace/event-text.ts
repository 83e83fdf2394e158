import { DEBUG_EVENTS, type DebugEvent, type TraceStep } from "../../api/debug.ts";
import { columns } from "../line/columns.ts";
import { amountOfBytes } from "../sessions/figures.ts";
import { counted } from "../sessions/session-table.ts";
import { FrameText } from "./frame-text.ts";
import { line, safe, sentence, spent, timeOf } from "./trace-text.ts";

/** An event as it came, and the process that it is from. */
export interface Traced {
  readonly pod: string;
  readonly name: string;
  /** Its JSON, not checked. */
  readonly data: Readonly<Record<string, unknown>>;
}

const MARKS: Readonly<Record<string, string>> = { passed: "✓", refused: "✗", skipped: "·", shadow: "~" };

interface Common {
  readonly at: string;
  readonly client?: string | undefined;
  readonly address?: string | undefined;
  readonly route?: string | undefined;
}

/** Events as lines for people; every text from outside is safe for a terminal. */
export class EventText {
  readonly #pods: boolean;
  readonly #now: () => number;
  readonly #frames: FrameText;

  /** `pods`: lines name the pod. `now`: ms since the epoch. */
  constructor(pods: boolean, now: () => number) {
    this.#pods = pods;
    this.#now = now;
    this.#frames = new FrameText((pod, at) => this.#begin(pod, at));
  }

  /** Empty: there is nothing to show of the event. */
  of({ pod, name, data }: Traced): string {
    switch (name) {
      case "handshake":
        return this.#read(pod, name, data, (event) => this.#handshake(pod, event));
      case "closed":
        return this.#read(pod, name, data, (event) => this.#closed(pod, event));
      case "limit":
        return this.#read(pod, name, data, (event) => this.#limit(pod, event));
      case "timeline":
        return this.#read(pod, name, data, (event) => this.#timeline(pod, event));
      case "tlsFailed":
        return this.#read(pod, name, data, (event) =>
          line(...this.#head(pod, event), `TLS failed: ${sentence(event.cause)}`),
        );
      case "frame":
        return this.#read(pod, name, data, (event) => this.#frames.frame(pod, event));
      case "leftOut":
        return this.#read(pod, name, data, (event) => this.#frames.leftOut(pod, event));
      default:
        return ""; // `watching`, and what a newer version tells
    }
  }

  #read<N extends keyof typeof DEBUG_EVENTS>(
    pod: string,
    name: N,
    data: Traced["data"],
    show: (event: DebugEvent<N>) => string,
  ): string {
    const { success, data: event } = DEBUG_EVENTS[name].safeParse(data);
    if (success) return show(event as DebugEvent<N>);
    const at = typeof data["at"] === "string" ? data["at"] : "";
    return line(...this.#begin(pod, at), `${name}: of another version; -o json shows it`);
  }

  #begin(pod: string, at: string): readonly string[] {
    return [timeOf(at, this.#now()), ...(this.#pods ? [safe(pod)] : [])];
  }

  #head(pod: string, { at, client, address, route }: Common): readonly string[] {
    const from = client === undefined ? safe(address ?? "-") : safe(client);
    return [...this.#begin(pod, at), from, route === undefined ? "-" : safe(route)];
  }

  #handshake(pod: string, event: DebugEvent<"handshake">): string {
    const { status, reason, millis, steps = [], past } = event;
    const total = millis === undefined ? undefined : spent(millis);
    const head = line(...this.#head(pod, event), `${status} ${safe(reason)}`, total, past === true ? "(earlier)" : "");
    const rows = steps.map(stepRow);
    return (
      head +
      indented(factsOf(event)) +
      columns(rows).replaceAll(/^/gm, "    ").trimEnd() +
      (rows.length > 0 ? "\n" : "")
    );
  }

  #closed(pod: string, event: DebugEvent<"closed">): string {
    const { code, reason, by, duration, messages, bytes, policy, cause } = event;
    const way = (name: string, one: "fromClient" | "fromBackend"): string =>
      `${name} ${counted(messages[one], "message")} with ${amountOfBytes(bytes[one])}`;
    const what = `closed ${code} ${safe(reason)} by ${safe(by)} after ${spent(1000 * duration)}`;
    const sums = `${way("up", "fromClient")}, ${way("down", "fromBackend")}`;
    return line(...this.#head(pod, event), `${what}; ${sums}`) + indented([policyOf(policy), causeOf(cause)]);
  }

  #limit(pod: string, event: DebugEvent<"limit">): string {
    const { policy, per, action, direction, shadow } = event;
    const where = direction === undefined ? "" : `, ${wayOf(direction)}`;
    const what = `limit ${safe(policy)} per ${safe(per)} exceeded: ${safe(action)}${where}`;
    return line(...this.#head(pod, event), `${what}${shadow ? " (shadow: it only counts)" : ""}`);
  }

  #timeline(pod: string, event: DebugEvent<"timeline">): string {
    const { what, direction, code, reason } = event;
    const more = [
      direction === undefined ? undefined : wayOf(direction),
      code === undefined ? undefined : String(code),
      reason === undefined ? undefined : safe(reason),
    ];
    return line(...this.#head(pod, event), [safe(what), ...more.filter((it) => it !== undefined)].join(" "));
  }
}

function stepRow({ name, verdict, reason, micros }: TraceStep): readonly string[] {
  const known = Object.hasOwn(MARKS, verdict);
  const words = [
    ...(known && verdict !== "shadow" ? [] : [safe(verdict)]),
    ...(reason === undefined ? [] : [safe(reason)]),
  ];
  const time = micros === undefined ? (verdict === "skipped" ? "skipped" : "") : spent(micros / 1000);
  return [known ? (MARKS[verdict] ?? "?") : "?", safe(name), time, words.join(" ")];
}

/** What the steps do not say. */
function factsOf(event: DebugEvent<"handshake">): readonly (string | undefined)[] {
  const { host, path, endpoint, dialMillis, backendStatus, policy, cause, session } = event;
  const target = host === undefined && path === undefined ? undefined : `${safe(host ?? "")} ${sentence(path ?? "")}`;
  const dial = dialMillis === undefined ? "" : ` in ${spent(dialMillis)}`;
  const answer = backendStatus === undefined ? "" : `, answered ${backendStatus}`;
  return [
    target,
    endpoint === undefined ? undefined : `backend ${safe(endpoint)}${dial}${answer}`,
    policyOf(policy),
    causeOf(cause),
    session === undefined ? undefined : `session ${safe(session)}`,
  ];
}

function policyOf(policy: string | undefined): string | undefined {
  return policy === undefined ? undefined : `policy ${safe(policy)}`;
}

function causeOf(cause: string | undefined): string | undefined {
  return cause === undefined ? undefined : sentence(cause);
}

/** One line below the head; empty where there is nothing to say. */
function indented(facts: readonly (string | undefined)[]): string {
  const told = facts.filter((fact) => fact !== undefined);
  return told.length === 0 ? "" : `    ${told.join("; ")}\n`;
}

function wayOf(direction: string): string {
  if (direction === "fromClient") return "from the client";
  return direction === "fromBackend" ? "from the backend" : safe(direction);
}
