import type { Config } from "../../api/config.ts";
import { PACKED } from "../../api/meta.ts";
import { belongsTo, isOf } from "../watch/belonging.ts";
import type { Contents, UnreadableObject } from "../watch/contents.ts";
import { hashIn, partsIn, type InForce, type SecretData } from "./in-force.ts";
import { ApiError } from "../kube/api-error.ts";
import type { KubeObject } from "../kube/kinds.ts";
import type { Load } from "../platform/load.ts";
import { dataForm, isHash, rawForm } from "../watch/own-form.ts";
import type { OwnObjects } from "../watch/own-objects.ts";
import { isOfOne } from "../refusals.ts";
import type { Names } from "../render/names.ts";
import type { Owner } from "../render/owner.ts";

type Own = readonly ["Secret" | "ConfigMap", KubeObject];

/** What there is of the config in force. */
export interface Before {
  /** undefined: there is none that can be used. */
  readonly config: Config | undefined;
  /** Our own Secrets and ConfigMaps by kind and name, with hashes in the place of long values. */
  readonly data: ReadonlyMap<string, KubeObject>;
  /** Those of them that cannot be read. */
  readonly unseen: readonly UnreadableObject[];
}

/** Reads back what was written for a proxy: of a config that is known by its hash nothing but that. */
export class ConfigInForce {
  readonly #own: OwnObjects;
  readonly #contents: Contents;
  readonly #inForce: InForce;

  constructor(own: OwnObjects, contents: Contents, inForce: InForce) {
    this.#own = own;
    this.#contents = contents;
    this.#inForce = inForce;
  }

  /** Throws TooHeavy where it is more than `load` takes. */
  async read(key: string, owner: Owner, names: Names, load: Load, signal: AbortSignal): Promise<Before> {
    const own = this.#objects(owner, names);
    const wanted = own.map(([kind, object]) => ({ kind, object, form: dataForm }));
    const { found, unreadable: unseen } = await this.#contents.read(key, wanted, signal);
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
    // What an earlier proxy of that name had in force is not this one's.
    if (secrets[0] === undefined || !isOf(owner, secrets[0])) return { config: undefined, data, unseen };
    const parts = secrets.map(dataOf);
    const known = this.#inForce.known(key, hashIn(parts[0]) ?? "");
    if (known !== undefined) return { config: known.config, data, unseen };
    const opened = (size: number): void => load.add(size);
    const short = parts.slice(0, partsIn(parts[0])).every((part) => !Object.values(part ?? {}).some(isHash));
    if (short) return { config: this.#inForce.read(key, parts, opened), data, unseen };
    const whole = await this.#whole(key, own, names, signal);
    if (!Array.isArray(whole)) return { config: undefined, data, unseen: [...unseen, whole] };
    return { config: this.#inForce.read(key, whole, opened), data, unseen };
  }

  /** The parts of the config in force with all their data, or the one that cannot be read. */
  async #whole(
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
        if (signal.aborted || object === undefined || !(error instanceof ApiError) || !isOfOne(error)) throw error;
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

  /** A proxy is gone. */
  forget(proxy: string): void {
    this.#inForce.forget(proxy);
  }
}

/** Key of an object of ours within one proxy. */
export function nameIn(kind: string, name: string): string {
  return `${kind} ${name}`;
}

function dataOf(object: KubeObject | undefined): SecretData | undefined {
  return (object as { readonly data?: SecretData } | undefined)?.data;
}
