import { createHash } from "node:crypto";
import { Registry } from "prom-client";
import { onTestFinished } from "vitest";
import { StoreLink, type StoreLinkOptions } from "../../dataplane/limits/store/store-link.ts";
import { StoreMetrics } from "../../dataplane/process/store-metrics.ts";
import type { Operation, Script } from "../../dataplane/limits/store/scripts/script.ts";
import type { Settings } from "../../dataplane/limits/store/wire/settings.ts";
import { systemClock } from "../../runtime/clock.ts";
import { recordingLog } from "./log.ts";

export function scriptOf(text: string, operation: Operation = "Take"): Script {
  return { operation, text, sha1: createHash("sha1").update(text).digest("hex") };
}

export const KEY = "{demo/chat}:pods";
export const ADD = scriptOf("return redis.call('INCR', KEYS[1])");
const JOIN = scriptOf("redis.call('SET', KEYS[1] .. ':joined', ARGV[1]) return 1", "Join");

/** One question of the traffic: when it was asked, how long it took, both in ms, and whether the store answered. */
interface Asked {
  readonly at: number;
  readonly took: number;
  readonly ok: boolean;
}

/** A link to a real store with a ledger that only says hello, and traffic of 200 questions a second over it. */
export class LinkBench {
  readonly registry = new Registry();
  readonly log = recordingLog();
  readonly link: StoreLink;
  /** Each change of `available`. */
  readonly changes: boolean[] = [];
  joins = 0;
  readonly asked: Asked[] = [];
  #unanswered = 0;
  #traffic: NodeJS.Timeout | undefined;

  constructor(settings: Partial<Settings> & Pick<Settings, "address">, more: Partial<StoreLinkOptions> = {}) {
    this.link = new StoreLink({
      settings: { resolved: true, ...settings },
      clock: systemClock,
      log: this.log,
      metrics: new StoreMetrics(this.registry),
      proxy: "demo/chat",
      join: async () => {
        this.joins += 1;
        await this.link.call(JOIN, [KEY], [this.joins], 1_000);
      },
      changed: () => void this.changes.push(this.link.available),
      ...more,
    });
    onTestFinished(() => this.close());
  }

  /** `store unavailable: it refuses connections` */
  get lines(): string[] {
    return this.log.lines.map(({ message, fields }) =>
      typeof fields["cause"] === "string" ? `${message}: ${fields["cause"]}` : message,
    );
  }

  add(): Promise<unknown> {
    return this.link.call(ADD, [KEY], []);
  }

  /** 200 questions a second, as handshakes ask: only while the link is available. */
  begin(): void {
    this.#traffic = setInterval(() => {
      if (!this.link.available) return;
      void this.#ask();
      void this.#ask();
    }, 10);
  }

  /** Resolves when the questions that were asked have ended. */
  async end(): Promise<void> {
    clearInterval(this.#traffic);
    while (this.#unanswered > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async metric(name: string): Promise<Record<string, number>> {
    const { values } = (await this.registry.getMetricsAsJSON()).find((one) => one.name === `wsproxy_store_${name}`) ?? {
      values: [],
    };
    return Object.fromEntries(
      values.map(({ labels, value }) => [[labels["operation"], labels["result"]].filter(Boolean).join(" "), value]),
    );
  }

  async close(): Promise<void> {
    this.link.close();
    await this.end();
  }

  async #ask(): Promise<void> {
    const at = performance.now();
    this.#unanswered += 1;
    const ok = await this.add().then(
      () => true,
      () => false,
    );
    this.#unanswered -= 1;
    this.asked.push({ at, took: performance.now() - at, ok });
  }
}
