import * as api from "../../api/config.ts";
import { problemsOf } from "../../api/problem.ts";
import type { Slices } from "../../runtime/loop/slices.ts";
import { configInPieces, endpointsInPieces, type Believed } from "./in-pieces.ts";

/** A rendered config as it was read, not yet believed. */
export interface Update {
  readonly config: unknown;
  readonly endpoints: unknown;
  /** SHA-256 of the config's text, as the operator, or standalone, reports it. */
  readonly hash: string;
  /** SHA-256 of the endpoints' text. */
  readonly endpointsHash: string;
}

interface Believable {
  /** `<namespace>/<name>` */
  readonly id: string;
  readonly config: api.Config;
  readonly endpoints: api.Endpoints;
}

interface Unbelievable {
  /** As far as it can be told, else "". */
  readonly id: string;
  readonly problems: readonly string[];
}

/** Reads updates a piece at a time, and remembers of each proxy the settings that it read last. */
export class UpdateReader {
  readonly #believed = new Map<string, Believed>();

  /** Config and endpoints, where both are exactly what their schemas say; else what is wrong with them. */
  async read(update: Update, slices: Slices): Promise<Believable | Unbelievable> {
    const id = nameIn(update.config);
    const config = await configInPieces(update.config, this.#believed.get(id) ?? NOTHING, slices);
    const endpoints = await endpointsInPieces(update.endpoints, slices);
    if ("value" in config && "value" in endpoints) {
      this.#believed.set(id, config.believed);
      return { id, config: config.value, endpoints: endpoints.value };
    }
    const problems = [
      ...("value" in config ? [] : problemsOf(config, "config", "Invalid")),
      ...("value" in endpoints ? [] : problemsOf(endpoints, "endpoints", "Invalid")),
    ];
    return { id, problems: problems.map(({ at, message }) => `${at}: ${message}`) };
  }

  /** The proxy is served no more. */
  forget(id: string): void {
    this.#believed.delete(id);
  }
}

const NOTHING: Believed = new Map();

/** The name in a config, as far as it can be told, else "". */
function nameIn(config: unknown): string {
  const proxy = api.config.shape.proxy.safeParse((config as { proxy?: unknown } | null)?.proxy);
  return proxy.success ? `${proxy.data.namespace}/${proxy.data.name}` : "";
}
