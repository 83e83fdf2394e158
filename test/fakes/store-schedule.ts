import type { Chance } from "./chance.ts";
import type { Held } from "./session-history.ts";
import { until } from "./sockets.ts";
import { CLIENTS, fleetRoute, type Fleet, type FleetPod } from "./store-fleet.ts";
import { now } from "./visits.ts";

/** Something that goes wrong while clients come and go. It puts right what it broke. */
export type Fault = (it: Schedule) => Promise<void>;

const ADDRESSES = ["192.0.2.1", "192.0.2.2", "192.0.2.3"];
const ROUTES = ["one", "two"];
/** Handshakes under way at most. */
const UNDER_WAY = 40;
const TICK = 5;
const POLL = 100;
/** How long an answer that failed or came late may leave its mark on the counts of `PerPod`. */
const MARK = 1_000_000_000n;

/** Limits of open sessions per subject. */
const LIMITS = { Client: 3, IP: 9, Route: 11, Proxy: 16 };

/** Routes whose clients are counted under every kind of subject. */
export const SCHEDULE_ROUTES = ROUTES.map((name) =>
  fleetRoute(name, { connections: Object.entries(LIMITS).map(([per, limit]) => ({ per, limit })) }),
);

/** Limit of each subject. */
export const SUBJECTS: ReadonlyMap<string, number> = new Map([
  ...CLIENTS.map((client) => [`client ${client}`, LIMITS.Client] as const),
  ...ADDRESSES.map((address) => [`ip ${address}`, LIMITS.IP] as const),
  ...ROUTES.map((route) => [`route ${route}`, LIMITS.Route] as const),
  ["proxy", LIMITS.Proxy],
]);

/** When a gateway was asked how many of its questions to the store have failed so far, and the answer. */
interface Look {
  readonly at: bigint;
  readonly failures: number;
}

/** Clients that come and go at random over all gateways of a fleet, while faults happen one after the other. */
export class Schedule {
  readonly fleet: Fleet;
  readonly chance: Chance;
  readonly held: Held[] = [];
  /** Statuses of refusals, with their reasons, and how often. */
  readonly refused = new Map<string, number>();
  /** What happened, for a test that fails. */
  readonly story: string[] = [];
  /** Gateways that no client can reach. */
  readonly away = new Set<FleetPod>();
  /** What faults have left behind, and how each ended. */
  readonly #followed: Promise<PromiseSettledResult<void>>[] = [];
  readonly #looks = new Map<FleetPod, Look>();
  #underWay = 0;
  readonly #begun = performance.now();

  constructor(fleet: Fleet, chance: Chance) {
    this.fleet = fleet;
    this.chance = chance;
  }

  /** One after the other, each fault in its turn, with a pause before each. */
  async run(faults: readonly (readonly [name: string, fault: Fault])[], pause = 600): Promise<void> {
    const stop = new AbortController();
    const load = this.#load(stop.signal);
    const watch = this.#watch(stop.signal);
    for (const [name, fault] of faults) {
      await this.sleep(this.chance.below(pause));
      this.tell(name);
      await fault(this);
    }
    await this.sleep(pause);
    stop.abort();
    await Promise.all([load, watch]);
    await until("all handshakes are answered", () => this.#underWay === 0);
    await this.#lookAtAll();
    await this.fleet.listen();
    for (const end of await Promise.all(this.#followed)) if (end.status === "rejected") throw end.reason;
  }

  /** A fault is over, but not all that comes of it: the schedule ends after it, and fails if it fails. */
  follow(what: Promise<void>): void {
    this.#followed.push(Promise.allSettled([what]).then(([end]) => end));
  }

  tell(what: string): void {
    this.story.push(`${Math.round(performance.now() - this.#begun)} ms: ${what}`);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }

  /** A gateway that clients can reach. */
  get pod(): FleetPod {
    return this.chance.of(this.fleet.pods.filter((pod) => !this.away.has(pod) && pod.gateway.alive));
  }

  /** Open sessions of each subject that has some, sorted. */
  get open(): number[] {
    const open = this.held.filter(({ visit }) => visit.open);
    const counts = Map.groupBy(
      open.flatMap(({ subjects }) => subjects),
      (subject) => subject,
    );
    return [...counts.values()].map(({ length }) => length).toSorted((a, b) => a - b);
  }

  async #load(signal: AbortSignal): Promise<void> {
    const { chance } = this;
    while (!signal.aborted) {
      await this.sleep(TICK);
      const what = chance.next();
      if (what < 0.3) this.#end();
      else if (what < 0.97) this.#begin(chance.of(CLIENTS), 1);
      else this.#begin(chance.of(CLIENTS), 12);
    }
  }

  #end(): void {
    const open = this.held.filter(({ visit }) => visit.open);
    if (open.length > 0) this.chance.of(open).visit.leave();
  }

  #begin(client: string, times: number): void {
    for (let n = 0; n < times && this.#underWay < UNDER_WAY; n += 1) void this.#visit(client);
  }

  async #visit(client: string): Promise<void> {
    const { pod, chance } = this;
    const [address, route] = [chance.of(ADDRESSES), chance.of(ROUTES)];
    this.#underWay += 1;
    const visit = await pod.visit(client, `/${route}`, address);
    this.#underWay -= 1;
    const subjects = [`client ${client}`, `ip ${address}`, `route ${route}`, "proxy"];
    if (visit.status === 101) this.held.push({ visit, pod: pod.past, subjects });
    const how = `${visit.status ?? "cut"} ${visit.reason ?? ""}`;
    this.refused.set(how, (this.refused.get(how) ?? 0) + 1);
  }

  async #watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.sleep(POLL);
      await this.#lookAtAll();
    }
  }

  async #lookAtAll(): Promise<void> {
    for (const pod of this.fleet.pods.filter((one) => one.gateway.alive && !this.away.has(one))) {
      await this.#look(pod).catch(() => {}); // it was killed meanwhile
    }
  }

  async #look(pod: FleetPod): Promise<void> {
    const at = now();
    await pod.listen();
    const failures = await pod.unanswered({ operation: "Take" });
    const last = this.#looks.get(pod) ?? { at: 0n, failures: 0 };
    if (failures > last.failures) pod.past.hole(last.at, now() + MARK);
    this.#looks.set(pod, { at, failures });
  }
}
