import * as api from "../../api/config.ts";
import { problemsOf } from "../../api/problem.ts";
import type { Slices } from "../../runtime/loop/slices.ts";
import { configInPieces, endpointsInPieces, type Believed } from "./in-pieces.ts";

/** A rendered config as JSON gave it: nothing in it may be used before it is parsed. */
export interface RawUpdate {
  readonly config: unknown;
  readonly endpoints: unknown;
  /** SHA-256 of the config's text, as the operator, or standalone, reports it. */
  readonly hash: string;
  /** SHA-256 of the endpoints' text. */
  readonly endpointsHash: string;
}

/** A rendered config that is exactly what its schemas say. */
export interface Update {
  /** `<namespace>/<name>` */
  readonly id: string;
  readonly config: api.Config;
  readonly endpoints: api.Endpoints;
  readonly hash: string;
  readonly endpointsHash: string;
}

/** A rendered config that is not what its schemas say. */
export interface InvalidUpdate {
  /** "": it does not say for which proxy it is. */
  readonly id: string;
  readonly hash: string;
  readonly problems: readonly string[];
}

/** Parses updates a piece at a time, and remembers of each proxy the settings that it parsed last. */
export class UpdateReader {
  readonly #believed = new Map<string, Believed>();

  async read(raw: RawUpdate, slices: Slices): Promise<Update | InvalidUpdate> {
    const id = api.proxyNameIn(raw.config);
    const { hash, endpointsHash } = raw;
    const config = await configInPieces(raw.config, this.#believed.get(id) ?? NOTHING, slices);
    const endpoints = await endpointsInPieces(raw.endpoints, slices);
    if ("value" in config && "value" in endpoints) {
      this.#believed.set(id, config.believed);
      return { id, config: config.value, endpoints: endpoints.value, hash, endpointsHash };
    }
    const problems = [
      ...("value" in config ? [] : problemsOf(config, "config", "Invalid")),
      ...("value" in endpoints ? [] : problemsOf(endpoints, "endpoints", "Invalid")),
    ];
    return { id, hash, problems: problems.map(({ at, message }) => `${at}: ${message}`) };
  }

  /** The proxy is served no more. */
  forget(id: string): void {
    this.#believed.delete(id);
  }
}

const NOTHING: Believed = new Map();
