import type { Config } from "../../api/config.ts";
import { tools } from "../../operator/platform/tools.ts";
import { hashOf } from "../../runtime/packed-text.ts";
import type { Manifest } from "../manifests/decode-file.ts";
import type { Finding } from "../manifests/place.ts";
import { Workspace } from "../manifests/workspace.ts";
import type { ProxyReport } from "./report.ts";
import { located, translateTogether } from "./translated.ts";

/** What of the gateway a translation depends on. */
export interface Question {
  /** By proxy the hash of the config that it has in force. */
  readonly inForce: ReadonlyMap<string, string>;
  /** A port that no listener can have. */
  readonly takenPort: number | undefined;
}

export interface HashedText {
  readonly text: string;
  readonly hash: string;
}

/** A proxy of the manifests, and what the operator's own translation makes of it. */
export interface ReadProxy extends ProxyReport {
  /** Rendered; undefined: there is nothing to serve. */
  readonly config: HashedText | undefined;
  readonly endpoints: HashedText;
}

/** An API key that says itself that it is an example: no other is ever shown. */
export interface ExampleKey {
  readonly key: string;
  readonly digest: string;
  readonly client: string;
  readonly file: string;
}

/** What a new user is told of the manifests. */
export interface Hints {
  readonly examples: readonly ExampleKey[];
  /** By proxy the file that it stands in. */
  readonly files: ReadonlyMap<string, string>;
}

/** What the manifests say now. Plain data throughout: it crosses from one thread to another. */
export interface Reading extends Hints {
  readonly proxies: readonly ReadProxy[];
  readonly findings: readonly Finding[];
  readonly ignored: readonly Finding[];
}

/** Example keys that are told of. */
const MOST_EXAMPLES = 100;

/** Reads the manifests of files and folders again and again, and translates them. */
export class ManifestReader {
  readonly #workspace: Workspace;
  /** By hash: the configs that were in force at the last reading, and those that came of it. */
  #configs = new Map<string, Config>();

  constructor(paths: readonly string[]) {
    this.#workspace = new Workspace(paths);
  }

  /** Calls must not overlap. */
  async read({ inForce, takenPort }: Question): Promise<Reading> {
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
      ignored,
      examples: examplesIn(manifests),
      files: new Map(manifests.flatMap(({ id, object, place }) => fileOf(id, object.kind, place.file))),
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

function examplesIn(manifests: readonly Manifest[]): ExampleKey[] {
  const found = manifests.flatMap(({ object, place }) => {
    if (object.kind !== "Secret") return [];
    return Object.entries(object.object.data).flatMap(([client, value]) => {
      const key = value.trim();
      return /^example-[A-Za-z0-9-]+$/.test(key) ? [{ key, client, file: place.file }] : [];
    });
  });
  return found.slice(0, MOST_EXAMPLES).map((it) => ({ ...it, digest: tools.sha256(it.key) }));
}
