import type { Clock } from "../../../runtime/clock.ts";
import type { Log } from "../../../runtime/log.ts";
import type { Caller } from "../../kube/call.ts";
import { nextStep, type NextStep } from "./next-step.ts";
import { pairIn, type Pair, type PairText } from "./pair.ts";
import { changeSecret, createSecret, type PairsSecret } from "./pairs-secret.ts";
import { firstData, promoting, storing, type StoredPairs } from "./stored-pairs.ts";
import { UnchangedFor } from "./unchanged-for.ts";
import { WEBHOOK, writeBundle, type ReadBundle } from "./webhook-configuration.ts";

interface CustodyOptions {
  readonly client: Caller;
  readonly clock: Clock;
  readonly log: Log;
  readonly namespace: string;
  readonly secret: string;
  readonly configuration: string;
  /** The name that the certificate is for. */
  readonly host: string;
  readonly leading: () => boolean;
}

/** What this process has just read, and what it serves. */
interface Read {
  readonly secret: PairsSecret | undefined;
  readonly stored: StoredPairs;
  readonly served: Pair | undefined;
  /** Undefined: there is no such webhook. */
  readonly found: ReadBundle | undefined;
}

/**
 * The part of the replica that leads: one step at a time it issues a pair, has it trusted, promotes it, and drops the CA
 * before it. All that a step leaves is in the Secret and in the bundle: another leader goes on from there.
 */
export class Custody {
  /** What a person has to mend; undefined: nothing. */
  trouble: string | undefined;
  readonly #options: CustodyOptions;
  readonly #unchanged: UnchangedFor;
  /** The bundle that this process wrote last. */
  #written: string | undefined;

  constructor(options: CustodyOptions) {
    this.#options = options;
    this.#unchanged = new UnchangedFor(options.clock);
  }

  /** Another replica leads: what was seen before says nothing about now. */
  pass(): void {
    this.#unchanged.forget();
    this.#written = undefined;
    this.trouble = undefined;
  }

  /** One step. Resolves with how long to rest (ms); undefined: something was written. */
  async step(read: Read, signal: AbortSignal): Promise<number | undefined> {
    const { clock, configuration } = this.#options;
    const { found } = read;
    const { current, next } = read.stored;
    const unchangedFor = this.#unchanged.see(JSON.stringify([current?.cert, next?.cert, found?.bundle]));
    const step = nextStep({ ...read, now: clock.wall(), bundle: found?.bundle, unchangedFor });
    const isUndone = step.kind === "Trust" && step.bundle === this.#written;
    if (found === undefined) this.trouble = `no MutatingWebhookConfiguration ${configuration} has a webhook ${WEBHOOK}`;
    else this.trouble = isUndone ? `another writer changed the caBundle of ${configuration}` : undefined;
    if (step.kind === "Rest") return step.lookAgainAfter;
    await this.#write(step, read, signal);
    return undefined;
  }

  async #write(
    step: Exclude<NextStep, { readonly kind: "Rest" }>,
    { secret, stored, found }: Read,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, log, namespace, secret: name, configuration, leading } = this.#options;
    const pair = step.kind === "Issue" ? await this.#issue() : stored.next;
    if (!leading()) return;
    if (step.kind === "Trust") {
      await writeBundle(client, configuration, step.bundle, found?.version, signal);
      const cas = step.bundle.split("-----BEGIN").length - 1;
      // A writer that undoes it again and again brings no line each time.
      if (step.bundle !== this.#written) log.info({ configuration, cas }, "webhook certificate trusted");
      this.#written = step.bundle;
    } else if (pair !== undefined && step.kind === "Promote" && secret !== undefined) {
      await changeSecret(client, secret, promoting(pair), signal);
      log.info({}, "webhook certificate promoted");
    } else if (pair !== undefined) {
      await (secret === undefined
        ? createSecret(client, namespace, name, firstData(pair), signal)
        : changeSecret(client, secret, storing(pair), signal));
      log.info({ host: this.#options.host }, "webhook certificate issued");
    }
  }

  async #issue(): Promise<PairText> {
    const { clock, host } = this.#options;
    // Loaded when it is needed, by the one replica that needs it: it takes 10 MB and 100 ms.
    const { issue } = await import("./issue.ts");
    const pair = await issue(host, clock.wall());
    // What is issued and cannot be used would be issued again at every look.
    if (pairIn(pair, host) === undefined) throw new Error(`the certificate for ${host} that was issued is not usable`);
    return pair;
  }
}
