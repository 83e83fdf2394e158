import type { Config } from "../../api/config.ts";
import { tools } from "../../operator/platform/tools.ts";
import { hashOf } from "../../runtime/packed-text.ts";
import type { ManifestDocument } from "../manifests/decode-file.ts";
import type { Finding } from "../manifests/location.ts";
import { Workspace } from "../manifests/workspace.ts";
import type { ProxyReport } from "./report.ts";
import { located, translateTogether, warningsOf } from "./translated.ts";

/** The state of the gateway that a translation depends on. */
export interface GatewayState {
  /** Proxy (`<namespace>/<name>`) → hash of its config in force. */
  readonly inForce: ReadonlyMap<string, string>;
  /** A port that no listener can have. */
  readonly takenPort: number | undefined;
}

export interface HashedText {
  readonly text: string;
  readonly hash: string;
}

/** A proxy of the manifests, and what the translation made of it, as text. */
export interface ReadProxy extends ProxyReport {
  /** The rendered config; undefined: there is nothing to serve. */
  readonly config: HashedText | undefined;
  readonly endpoints: HashedText;
}

/** An API key whose text begins with `example-`: no other key is ever printed. */
export interface ExampleKey {
  readonly key: string;
  readonly digest: string;
  readonly client: string;
  readonly file: string;
}

/** What `standalone` tells a new user about the manifests. */
export interface Hints {
  readonly examples: readonly ExampleKey[];
  /** Proxy (`<namespace>/<name>`) → the file that it stands in. */
  readonly files: ReadonlyMap<string, string>;
}

/** What the manifests say now. Plain data only: one thread posts it to another. */
export interface Reading extends Hints {
  readonly proxies: readonly ReadProxy[];
  readonly findings: readonly Finding[];
  readonly warnings: readonly Finding[];
  readonly ignored: readonly Finding[];
}

/** Example keys of one reading at most. */
const MOST_EXAMPLES = 100;

/** Reads the manifests of files and folders again and again, and translates them. */
export class ManifestReader {
  readonly #workspace: Workspace;
  /** Hash → config: those that were in force at the last reading, and those that it rendered. */
  #configs = new Map<string, Config>();

  constructor(paths: readonly string[]) {
    this.#workspace = new Workspace(paths);
  }

  /** Calls must not overlap. */
  async read({ inForce, takenPort }: GatewayState): Promise<Reading> {
    const { manifests, findings, ignored } = await this.#workspace.read();
    const known = new Map([...inForce].map(([id, hash]) => [id, this.#configs.get(hash)]));
    const translated = translateTogether(manifests, (id) => known.get(id), takenPort);
    const configs = new Map<string, Config>();
    for (const [id, config] of known) if (config !== undefined) configs.set(inForce.get(id) ?? "", config);
    const proxies = translated.map(({ id, translation }): ReadProxy => {
      const { config, endpoints, status } = translation;
      const text = config === undefined ? undefined : hashed(config);
      if (config !== undefined && text !== undefined) configs.set(text.hash, config);
      return { id, conditions: status.conditions, routes: status.routes, config: text, endpoints: hashed(endpoints) };
    });
    this.#configs = configs;
    return {
      proxies,
      findings: [...findings, ...located(translated, manifests)],
      warnings: warningsOf(translated, manifests),
      ignored,
      examples: examplesIn(manifests),
      files: new Map(manifests.flatMap(({ id, object, location }) => fileOf(id, object.kind, location.file))),
    };
  }
}

function hashed(value: unknown): HashedText {
  const text = JSON.stringify(value);
  return { text, hash: hashOf(text) };
}

function fileOf(id: string, kind: string, file: string): [string, string][] {
  return kind === "WebSocketProxy" ? [[id.slice(kind.length + 1), file]] : [];
}

function examplesIn(manifests: readonly ManifestDocument[]): ExampleKey[] {
  const found = manifests.flatMap(({ object, location }) => {
    if (object.kind !== "Secret") return [];
    return Object.entries(object.object.data).flatMap(([client, value]) => {
      const key = value.trim();
      return /^example-[A-Za-z0-9-]+$/.test(key) ? [{ key, client, file: location.file }] : [];
    });
  });
  return found.slice(0, MOST_EXAMPLES).map((it) => ({ ...it, digest: tools.sha256(it.key) }));
}
