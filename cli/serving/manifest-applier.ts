import { setImmediate as turn } from "node:timers/promises";
import { CONDITION_REASONS, type ReasonOf } from "../../api/conditions.ts";
import type { InvalidUpdate, RawUpdate, Update } from "../../dataplane/config/read-update.ts";
import type { Applied } from "../../dataplane/config/rejected-configs.ts";
import { KEPT_CONFIG } from "../../operator/translate/status.ts";
import type { Finding } from "../manifests/location.ts";
import type { HashedText, Hints, GatewayState, Reading, ReadProxy } from "../reading/reading.ts";
import type { ProxyReport, Report } from "../reading/report.ts";
import type { Serving } from "./serving.ts";

/** What was found in the manifests, and what came of it. */
export interface AppliedManifests {
  readonly report: Report;
  /** For the reader of the output; the configs themselves are not kept, they would only take up memory. */
  readonly hints: Hints;
  /** Proxies whose config in force changed. */
  readonly changed: readonly string[];
  /** A listener could not open its port: applying again may help although no file has changed. */
  readonly portMissing: boolean;
}

/** Makes the gateway serve what the manifests say: has them read and translated, applies what differs, reports. */
export class ManifestApplier {
  readonly #read: (gateway: GatewayState) => Promise<Reading>;
  readonly #serving: Serving;
  /** By proxy: the hashes of config and endpoints that were put in force last. */
  readonly #applied = new Map<string, string>();

  constructor(read: (gateway: GatewayState) => Promise<Reading>, serving: Serving) {
    this.#read = read;
    this.#serving = serving;
  }

  /** Calls must not overlap. */
  async apply(): Promise<AppliedManifests> {
    const before = this.#hashes();
    const reading = await this.#read({ inForce: before, takenPort: this.#serving.takenPort });
    // Each of these steps takes some 10 ms for a large config: the event loop serves sessions between them.
    await turn();
    const { proxies, findings, warnings, ignored } = reading;
    const gone = this.#gone(new Set(proxies.map(({ id }) => id)));
    const outcomes = await this.#applyAll(proxies, gone);
    for (const id of gone) this.#remove(id);
    await turn();
    const after = this.#hashes();
    const failed = [...outcomes.values()].filter((applied) => !applied.ok);
    return {
      report: {
        proxies: proxies.map((it) => reportOf(it, outcomes.get(it.id), after.has(it.id))),
        findings: [...findings, ...problemsOf(outcomes)],
        warnings,
        ignored,
      },
      hints: { examples: reading.examples, files: reading.files },
      changed: [...after].flatMap(([id, hash]) => (before.get(id) === hash ? [] : [id])),
      portMissing: failed.some(({ stage }) => stage === "listener"),
    };
  }

  /** Proxies that the gateway knows and the manifests do not. */
  #gone(wanted: ReadonlySet<string>): ReadonlySet<string> {
    const { gateway } = this.#serving;
    const known = [...gateway.proxies.map((proxy) => proxy.name), ...gateway.rejected.keys()];
    return new Set(known.filter((id) => !wanted.has(id)));
  }

  #remove(id: string): void {
    this.#applied.delete(id);
    this.#serving.remove(id);
  }

  /** All together, and before any proxy is removed: one may want the port that another leaves. */
  async #applyAll(proxies: readonly ReadProxy[], gone: ReadonlySet<string>): Promise<Map<string, Applied>> {
    const outcomes = new Map<string, Applied>();
    const changed: { readonly id: string; readonly version: string; readonly update: Update | InvalidUpdate }[] = [];
    for (const { id, config, endpoints } of proxies) {
      if (config === undefined) continue;
      const version = `${config.hash} ${endpoints.hash}`;
      if (this.#applied.get(id) === version) outcomes.set(id, { ok: true, proxy: id });
      else {
        changed.push({ id, version, update: await this.#serving.gateway.read(rawOf(config, endpoints)) });
        await turn();
      }
    }
    const updates = changed.map(({ update }) => update);
    const applied = await this.#serving.apply(updates, gone);
    for (const [index, { id, version }] of changed.entries()) {
      const outcome = applied[index];
      if (outcome === undefined) continue;
      outcomes.set(id, outcome);
      if (outcome.ok) this.#applied.set(id, version);
      else this.#applied.delete(id);
    }
    return outcomes;
  }

  #hashes(): Map<string, string> {
    const { proxies } = this.#serving.gateway;
    const hashes = proxies.map(({ name, snapshot }) => [name, snapshot?.hash] as const);
    return new Map(hashes.flatMap(([name, hash]) => (hash === undefined ? [] : [[name, hash]])));
  }
}

function rawOf(config: HashedText, endpoints: HashedText): RawUpdate {
  return {
    config: JSON.parse(config.text) as unknown,
    endpoints: JSON.parse(endpoints.text) as unknown,
    hash: config.hash,
    endpointsHash: endpoints.hash,
  };
}

/** The conditions of the translation, with Programmed and Ready, which only the gateway knows. */
function reportOf({ id, conditions, routes }: ReadProxy, applied: Applied | undefined, serves: boolean): ProxyReport {
  const observedGeneration = conditions[0]?.observedGeneration ?? 0;
  const accepted = conditions.some(({ type, status }) => type === "Accepted" && status === "True");
  const reason = programmedReason(accepted, applied);
  const programmed = reason === "Programmed";
  const said = reason === "NotAccepted" || applied?.ok !== false ? "" : `: ${applied.problems.join("; ")}`;
  const stays = serves && !programmed ? ` ${KEPT_CONFIG}` : "";
  return {
    id,
    conditions: [
      ...conditions,
      {
        type: "Programmed",
        status: programmed ? "True" : "False",
        reason,
        message: `${CONDITION_REASONS.Programmed[reason]}${said}${stays}`,
        observedGeneration,
      },
      {
        type: "Ready",
        // A later edit that is not accepted, or not applied, leaves what is served.
        status: serves ? "True" : "False",
        reason: serves ? "Ready" : "NotProgrammed",
        message: CONDITION_REASONS.Ready[serves ? "Ready" : "NotProgrammed"],
        observedGeneration,
      },
    ],
    routes,
  };
}

function programmedReason(accepted: boolean, applied: Applied | undefined): ReasonOf<"Programmed"> {
  if (!accepted || applied === undefined) return "NotAccepted";
  if (applied.ok) return "Programmed";
  return applied.stage === "listener" ? "ListenerFailed" : "ConfigRejected";
}

function problemsOf(outcomes: ReadonlyMap<string, Applied>): Finding[] {
  return [...outcomes].flatMap(([id, applied]) =>
    applied.ok ? [] : applied.problems.map((message) => ({ object: `WebSocketProxy ${id}`, message })),
  );
}
