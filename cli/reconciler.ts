import { CONDITION_REASONS, type ReasonOf } from "../api/conditions.ts";
import type { Config } from "../api/config.ts";
import type { Applied } from "../dataplane/gateway.ts";
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
    const translated = translateTogether(manifests, (id) => this.#inForce(id));
    this.#removeAllBut(new Set(translated.map(({ id }) => id)));
    const before = this.#hashes();
    const outcomes = await this.#applyAll(translated);
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

  #removeAllBut(wanted: ReadonlySet<string>): void {
    const { gateway } = this.#serving;
    for (const name of new Set([...gateway.proxies.map((proxy) => proxy.name), ...gateway.rejections.keys()])) {
      if (wanted.has(name)) continue;
      this.#applied.delete(name);
      this.#serving.remove(name);
    }
  }

  /** A port that one proxy leaves may be the one that another wants: what failed is tried again while others succeed. */
  async #applyAll(translated: readonly Translated[]): Promise<Map<string, Applied>> {
    const outcomes = new Map<string, Applied>();
    let left = translated.filter(({ translation }) => translation.config !== undefined);
    for (let progress = true; progress && left.length > 0;) {
      const failed: Translated[] = [];
      for (const it of left) {
        const applied = await this.#apply(it);
        outcomes.set(it.id, applied);
        if (!applied.ok && applied.stage === "listener") failed.push(it);
      }
      progress = failed.length < left.length;
      left = failed;
    }
    return outcomes;
  }

  async #apply({ id, translation: { config, endpoints } }: Translated): Promise<Applied> {
    const [text, endpointsText] = [JSON.stringify(config), JSON.stringify(endpoints)];
    const all = `${text}\n${endpointsText}`;
    if (this.#applied.get(id) === all) return { ok: true, proxy: id };
    const applied = await this.#serving.apply({
      config,
      endpoints,
      hash: hashOf(text),
      endpointsHash: hashOf(endpointsText),
    });
    if (applied.ok) this.#applied.set(id, all);
    else this.#applied.delete(id);
    return applied;
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
