import { CONDITION_REASONS, type ReasonOf } from "../api/conditions.ts";
import type { Config } from "../api/config.ts";
import type { Applied } from "../dataplane/gateway.ts";
import type { Update } from "../dataplane/read-update.ts";
import { hashOf } from "../runtime/packed-text.ts";
import type { Manifest } from "./manifests/decode-file.ts";
import type { Finding } from "./manifests/place.ts";
import type { Workspace } from "./manifests/workspace.ts";
import { KEPT_CONFIG, type ProxyReport, type Report } from "./report.ts";
import type { Serving } from "./serving.ts";
import { located, translateTogether, type Translated } from "./translated.ts";

/** What one pass found and did. */
export interface Pass {
  readonly report: Report;
  readonly manifests: readonly Manifest[];
  /** Proxies that have another config in force than before. */
  readonly changed: readonly string[];
  /** A port could not be had: worth trying again although no file changes. */
  readonly portMissing: boolean;
}

/** Brings the gateway to what the manifests say: reads, translates, applies what differs, reports. */
export class Reconciler {
  readonly #workspace: Workspace;
  readonly #serving: Serving;
  /** What was put in force last, as text. */
  readonly #applied = new Map<string, string>();

  constructor(workspace: Workspace, serving: Serving) {
    this.#workspace = workspace;
    this.#serving = serving;
  }

  /** Calls must not overlap. */
  async pass(): Promise<Pass> {
    const { manifests, findings, ignored } = await this.#workspace.read();
    const translated = translateTogether(manifests, (id) => this.#inForce(id), this.#serving.takenPort);
    const gone = this.#gone(new Set(translated.map(({ id }) => id)));
    const before = this.#hashes();
    const outcomes = await this.#applyAll(translated, gone);
    for (const id of gone) this.#remove(id);
    const after = this.#hashes();
    const failed = [...outcomes.values()].filter((applied) => !applied.ok);
    return {
      report: {
        proxies: translated.map((it) => reportOf(it, outcomes.get(it.id), after.has(it.id))),
        findings: [...findings, ...located(translated, manifests), ...rejections(outcomes)],
        ignored,
      },
      manifests,
      changed: [...after].flatMap(([id, hash]) => (before.get(id) === hash ? [] : [id])),
      portMissing: failed.some(({ stage }) => stage === "listener"),
    };
  }

  /** Proxies that are known and not wanted any more. */
  #gone(wanted: ReadonlySet<string>): ReadonlySet<string> {
    const { gateway } = this.#serving;
    const known = [...gateway.proxies.map((proxy) => proxy.name), ...gateway.rejections.keys()];
    return new Set(known.filter((id) => !wanted.has(id)));
  }

  #remove(id: string): void {
    this.#applied.delete(id);
    this.#serving.remove(id);
  }

  /** Together, and before any is removed: a port that one leaves may be the one that another wants. */
  async #applyAll(translated: readonly Translated[], gone: ReadonlySet<string>): Promise<Map<string, Applied>> {
    const outcomes = new Map<string, Applied>();
    const changed = new Map<string, Update>();
    const texts = new Map<string, string>();
    for (const { id, translation } of translated) {
      const { config, endpoints } = translation;
      if (config === undefined) continue;
      const [text, endpointsText] = [JSON.stringify(config), JSON.stringify(endpoints)];
      const all = `${text}\n${endpointsText}`;
      if (this.#applied.get(id) === all) outcomes.set(id, { ok: true, proxy: id });
      else changed.set(id, { config, endpoints, hash: hashOf(text), endpointsHash: hashOf(endpointsText) });
      texts.set(id, all);
    }
    const applied = await this.#serving.apply([...changed.values()], gone);
    for (const [index, id] of [...changed.keys()].entries()) {
      const [outcome, text] = [applied[index], texts.get(id)];
      if (outcome === undefined || text === undefined) continue;
      outcomes.set(id, outcome);
      if (outcome.ok) this.#applied.set(id, text);
      else this.#applied.delete(id);
    }
    return outcomes;
  }

  #inForce(id: string): Config | undefined {
    return this.#serving.gateway.proxies.find(({ name }) => name === id)?.snapshot?.config;
  }

  #hashes(): Map<string, string | undefined> {
    return new Map(this.#serving.gateway.proxies.map(({ name, snapshot }) => [name, snapshot?.hash]));
  }
}

/** The conditions of the translation, and those that only the gateway knows. */
function reportOf({ id, translation }: Translated, applied: Applied | undefined, serves: boolean): ProxyReport {
  const { conditions, routes } = translation.status;
  const observedGeneration = conditions[0]?.observedGeneration ?? 0;
  const accepted = conditions.some(({ type, status }) => type === "Accepted" && status === "True");
  const reason = programmedReason(accepted, applied);
  const programmed = reason === "Programmed";
  const said = reason === "NotAccepted" || applied?.ok !== false ? "" : `: ${applied.problems.join("; ")}`;
  const kept = serves && !programmed ? ` ${KEPT_CONFIG}` : "";
  return {
    id,
    conditions: [
      ...conditions,
      {
        type: "Programmed",
        status: programmed ? "True" : "False",
        reason,
        message: `${CONDITION_REASONS.Programmed[reason]}${said}${kept}`,
        observedGeneration,
      },
      {
        type: "Ready",
        status: programmed ? "True" : "False",
        reason: programmed ? "Ready" : "NotProgrammed",
        message: CONDITION_REASONS.Ready[programmed ? "Ready" : "NotProgrammed"],
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

function rejections(outcomes: ReadonlyMap<string, Applied>): Finding[] {
  return [...outcomes].flatMap(([id, applied]) =>
    applied.ok ? [] : applied.problems.map((message) => ({ object: `WebSocketProxy ${id}`, message })),
  );
}
