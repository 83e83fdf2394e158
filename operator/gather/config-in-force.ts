import type { Config } from "../../api/config.ts";
import { PACKED } from "../../api/meta.ts";
import { belongsTo, isOf } from "../watch/belonging.ts";
import type { Contents, UnreadableObject } from "../watch/contents.ts";
import { hashIn, partsIn, type SecretData, type WrittenConfigs } from "./written-configs.ts";
import { ApiError } from "../kube/api-error.ts";
import type { KubeObject } from "../kube/kinds.ts";
import type { Load } from "../platform/load.ts";
import { dataForm, isHash, rawForm } from "../watch/own-form.ts";
import type { OwnObjects } from "../watch/own-objects.ts";
import { isObjectSpecific } from "../refusals.ts";
import type { Names } from "../render/names.ts";
import type { Owner } from "../render/owner.ts";

type Own = readonly ["Secret" | "ConfigMap", KubeObject];

/** The last config that a proxy serves, and the objects in which it stands. */
export interface ConfigInForce {
  /** undefined: there is none that can be used. */
  readonly config: Config | undefined;
  /** Our own Secrets and ConfigMaps by kind and name, with hashes in the place of long values. */
  readonly data: ReadonlyMap<string, KubeObject>;
  /** Those of them that exist and cannot be read. */
  readonly unreadable: readonly UnreadableObject[];
}

/** Reads back what the operator wrote for a proxy. If it remembers the config, it reads only the hash. */
export class ConfigInForceReader {
  readonly #own: OwnObjects;
  readonly #contents: Contents;
  readonly #configs: WrittenConfigs;

  constructor(own: OwnObjects, contents: Contents, configs: WrittenConfigs) {
    this.#own = own;
    this.#contents = contents;
    this.#configs = configs;
  }

  /** Throws TooHeavy if the config is more than `load` takes. */
  async read(key: string, owner: Owner, names: Names, load: Load, signal: AbortSignal): Promise<ConfigInForce> {
    const own = this.#objects(owner, names);
    const wanted = own.map(([kind, object]) => ({ kind, object, form: dataForm }));
    const { found, unreadable } = await this.#contents.read(key, wanted, signal);
    const data = new Map(
      own.flatMap(([kind, object]) => {
        const text = found.get(object);
        if (text === undefined) return [];
        return [[nameIn(kind, object.metadata.name), JSON.parse(text) as KubeObject] as const];
      }),
    );
    const secrets = Array.from({ length: PACKED.mostParts }, (_, part) =>
      data.get(nameIn("Secret", names.configPart(part))),
    );
    // An earlier proxy of that name had its own config in force.
    if (secrets[0] === undefined || !isOf(owner, secrets[0])) return { config: undefined, data, unreadable };
    const parts = secrets.map(dataOf);
    const remembered = this.#configs.remembered(key, hashIn(parts[0]) ?? "");
    if (remembered !== undefined) return { config: remembered.config, data, unreadable };
    const opened = (size: number): void => load.add(size);
    const isComplete = parts.slice(0, partsIn(parts[0])).every((part) => !Object.values(part ?? {}).some(isHash));
    if (isComplete) return { config: this.#configs.read(key, parts, opened), data, unreadable };
    const complete = await this.#completeParts(key, own, names, signal);
    if (!Array.isArray(complete)) return { config: undefined, data, unreadable: [...unreadable, complete] };
    return { config: this.#configs.read(key, complete, opened), data, unreadable };
  }

  /** The parts of the config in force with all their data, or the part that cannot be read. */
  async #completeParts(
    key: string,
    own: readonly Own[],
    names: Names,
    signal: AbortSignal,
  ): Promise<(SecretData | undefined)[] | UnreadableObject> {
    const parts: (SecretData | undefined)[] = [];
    for (let part = 0; part < (part === 0 ? 1 : partsIn(parts[0])); part += 1) {
      const [, object] =
        own.find(([kind, it]) => kind === "Secret" && it.metadata.name === names.configPart(part)) ?? [];
      try {
        const raw = object && (await this.#contents.one(key, { kind: "Secret", object, form: rawForm }, signal));
        parts.push(dataOf(raw));
      } catch (error) {
        if (signal.aborted || object === undefined || !(error instanceof ApiError) || !isObjectSpecific(error)) {
          throw error;
        }
        return { kind: "Secret", object, error };
      }
    }
    return parts;
  }

  #objects(owner: Owner, { admin, configPart, endpoints }: Names): Own[] {
    const parts = Array.from({ length: PACKED.mostParts }, (_, part) => ["Secret", configPart(part)] as const);
    return [...parts, ["Secret", admin] as const, ["ConfigMap", endpoints] as const].flatMap(([kind, name]) => {
      const object = this.#own.get(kind, owner.namespace, name);
      return object === undefined || !belongsTo(owner, object) ? [] : [[kind, object] as const];
    });
  }

  /** Forgets a proxy that is gone. */
  forget(proxy: string): void {
    this.#configs.forget(proxy);
  }
}

/** Key of an object of ours within one proxy. */
export function nameIn(kind: string, name: string): string {
  return `${kind} ${name}`;
}

function dataOf(object: KubeObject | undefined): SecretData | undefined {
  return (object as { readonly data?: SecretData } | undefined)?.data;
}
