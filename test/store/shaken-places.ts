import { performance } from "node:perf_hooks";
import { occupancyKey } from "../../dataplane/limits/occupancy.ts";
import { digestOf } from "../../dataplane/limits/store/bucket-key.ts";
import { Chance } from "../fakes/chance.ts";
import { clientNamed } from "../fakes/policy-bench.ts";
import { until } from "../fakes/sockets.ts";
import { PlacesPod, PREFIX, SHORT } from "./places-pod.ts";
import type { StoreServer } from "./server.ts";

const PODS = 4;
const CLIENTS = ["alice", "bob", "carol", "dave"];
/** Share of the rounds with a fault: some three a second. */
const FAULTY = 0.015;
const LIMITS = { client: 5, proxy: 12 };

/** Steps the server's clock, as far as the pods can tell: all times of the hash of pods lie so much earlier. */
const STEP = `
local all, by = redis.call('HGETALL', KEYS[1]), tonumber(ARGV[1])
for i = 1, #all, 2 do redis.call('HSET', KEYS[1], all[i], string.format('%.0f', all[i + 1] - by)) end
local left = redis.call('PTTL', KEYS[1]) - by
if #all > 0 then if left <= 0 then redis.call('DEL', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], left) end end
return 1`;

/**
 * Random handshakes, ends, deaths, partitions, lost answers, late commands and losses of the store's memory. Whatever
 * breaks a promise is a sentence in `broken`.
 */
export class ShakenPlaces {
  readonly broken: string[] = [];
  readonly counts: Record<string, number> = {};
  readonly #server: StoreServer;
  readonly #chance: Chance;
  readonly #pods: PlacesPod[] = [];
  readonly #under = new Set<Promise<void>>();
  readonly #cut = new Set<PlacesPod>();
  #partitions = false;

  constructor(server: StoreServer, seed: number) {
    this.#server = server;
    this.#chance = new Chance(seed);
  }

  async begin(): Promise<void> {
    for (let n = 0; n < PODS; n += 1) this.#pods.push(this.#newPod());
    await until("all pods have joined", () => this.#pods.every(({ link }) => link.available));
  }

  /** Shakes for so many ms. */
  async shake(ms: number, faults: readonly Fault[]): Promise<void> {
    const end = performance.now() + ms;
    while (performance.now() < end) {
      for (let n = this.#chance.below(8); n > 0; n -= 1) this.#step();
      if (this.#chance.next() < FAULTY) {
        await this.#fault(this.#chance.of(faults));
      }
      await new Promise((resolve) => setTimeout(resolve, this.#chance.below(4)));
    }
  }

  /** The network is whole again, and all pods have joined. */
  async heal(): Promise<void> {
    for (const pod of this.#pods) this.#heal(pod);
    await Promise.all(this.#under);
    await until("all pods are back", () => this.#pods.every(({ link }) => link.available), 20_000);
    for (const pod of this.#pods) pod.link.deliver();
  }

  /** What the store counts of live pods is what they hold: waits for it, since doubts are settled after a moment. */
  async exact(): Promise<void> {
    const wrong = async (): Promise<string[]> => {
      const found: string[] = [];
      for (const [name, held] of this.#held()) {
        const counted = await this.#counted(name);
        if (counted !== held) found.push(`${name} is ${counted} in the store, and ${held} are held`);
      }
      return found;
    };
    try {
      await until("counts are exact", async () => (await wrong()).length === 0, 5_000);
    } catch {
      this.broken.push(...(await wrong()));
    }
  }

  async endAll(): Promise<void> {
    for (const pod of this.#pods) pod.endAll();
    await this.exact();
  }

  /** Without goodbye to anything but pods: keys end with their time to live. */
  async nothingLeft(): Promise<void> {
    const left = async (): Promise<unknown[]> => {
      const keys = (await this.#server.ask("KEYS", "*")) as string[];
      return keys.filter((key) => key !== `${PREFIX}pods`);
    };
    try {
      await until("no subject is left", async () => (await left()).length === 0, SHORT.life + 3_000);
    } catch {
      this.broken.push(`left: ${(await left()).join(", ")}`);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#pods.map((pod) => pod.close()));
    try {
      await until("nothing is left", async () => (await this.#server.ask("DBSIZE")) === 0, SHORT.ttl + 2_000);
    } catch {
      this.broken.push("the hash of pods is left");
    }
  }

  #newPod(): PlacesPod {
    return new PlacesPod(this.#server, { deadline: 150 });
  }

  #step(): void {
    const pod = this.#chance.of(this.#pods);
    if (this.#chance.next() < 0.6) {
      const attempt = this.#attempt(pod, this.#chance.of(CLIENTS)).finally(() => this.#under.delete(attempt));
      this.#under.add(attempt);
      return;
    }
    const [session] = pod.sessions;
    session?.end();
  }

  async #attempt(pod: PlacesPod, client: string): Promise<void> {
    const sent = performance.now();
    const outcome = await pod.attempt(client, LIMITS);
    this.counts[outcome] = (this.counts[outcome] ?? 0) + 1;
    if (outcome === "in") this.#judge(client, sent);
  }

  /**
   * The pods that the store knew all the time since the handshake was sent must not have held the limit without it. A pod
   * that was cut off and comes back may hold more than that is left of the limit: then nothing is let in.
   */
  #judge(client: string, sent: number): void {
    const known = this.#pods.filter(({ link }) => !this.#partitions || (link.reaches && link.since < sent));
    const sessions = known.flatMap((pod) => [...pod.sessions]);
    const open = { client: sessions.filter((session) => session.client === client).length, proxy: sessions.length };
    for (const kind of ["client", "proxy"] as const) {
      if (open[kind] > LIMITS[kind]) this.broken.push(`${open[kind]} of ${LIMITS[kind]} are open: ${kind} ${client}`);
    }
  }

  async #fault(fault: Fault): Promise<void> {
    this.counts[fault] = (this.counts[fault] ?? 0) + 1;
    const at = this.#chance.below(PODS);
    const pod = this.#pods[at];
    if (pod === undefined) return;
    if (fault === "kill") {
      pod.kill();
      this.#cut.delete(pod);
      this.#pods[at] = this.#newPod();
    }
    if (fault === "leave") {
      // It leaves the store when its last session has ended: others may have the places before it hears an answer.
      pod.sessions.clear();
      await pod.close();
      this.#cut.delete(pod);
      this.#pods[at] = this.#newPod();
    }
    if (fault === "cut") {
      if (this.#cut.has(pod)) return this.#heal(pod);
      this.#partitions = true;
      this.#cut.add(pod);
      pod.link.cut();
    }
    if (fault === "deliver") pod.link.deliver();
    if (fault === "lose") pod.link.lose(1 + this.#chance.below(3));
    if (fault === "flush") await this.#server.ask("FLUSHALL");
    if (fault === "forget") await this.#server.ask("SCRIPT", "FLUSH");
    if (fault === "drop") await this.#server.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    if (fault === "step") {
      const by = this.#chance.of([-3_600_000, -1_000, 1_000, 3_600_000]);
      await this.#server.ask("EVAL", STEP, "1", `${PREFIX}pods`, String(by));
    }
    if (fault === "needs") {
      pod.ledger.needs(
        new Set(
          this.#chance.of([
            ["client", "proxy", "ip"],
            ["client", "proxy", "client in main"],
          ]),
        ),
      );
    }
    if (fault === "freeze") {
      this.#server.freeze();
      await new Promise((resolve) => setTimeout(resolve, this.#chance.below(600)));
      this.#server.thaw();
    }
    if (fault === "crash") {
      await this.#server.kill();
      await new Promise((resolve) => setTimeout(resolve, this.#chance.below(500)));
      await this.#server.again();
    }
  }

  #heal(pod: PlacesPod): void {
    if (this.#cut.delete(pod)) pod.link.heal();
  }

  #held(): Map<string, number> {
    const held = new Map<string, number>();
    for (const client of CLIENTS) {
      for (const per of ["Client", "Proxy"] as const) {
        const key = occupancyKey(per, undefined, "main", clientNamed(client), { addressSubject: "192.0.2.1" });
        const name = `${PREFIX}c:${digestOf(key)}`;
        held.set(
          name,
          this.#pods.reduce((sum, { occupancy }) => sum + occupancy.of(key), 0),
        );
      }
    }
    return held;
  }

  async #counted(name: string): Promise<number> {
    const text = `
local sum, all = 0, redis.call('HGETALL', KEYS[2])
local now = redis.call('TIME')
for i = 1, #all, 2 do
  local till = redis.call('HGET', KEYS[1], all[i])
  if till and tonumber(till) >= now[1] * 1000 then sum = sum + all[i + 1] end
end
return sum`;
    return (await this.#server.ask("EVAL", text, "2", `${PREFIX}pods`, name)) as number;
  }
}

export type Fault =
  | "kill"
  | "leave"
  | "cut"
  | "deliver"
  | "lose"
  | "flush"
  | "forget"
  | "drop"
  | "step"
  | "needs"
  | "freeze"
  | "crash";
