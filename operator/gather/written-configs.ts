import { Buffer } from "node:buffer";
import { config as configSchema, type Config } from "../../api/config.ts";
import { LARGEST_WRITTEN, PACKED } from "../../api/meta.ts";
import { unpack } from "../../runtime/packed-text.ts";

/** The data of a Secret, as the API has it. */
export type SecretData = Readonly<Record<string, string>>;

interface Remembered {
  readonly hash: string;
  readonly config: Config | undefined;
  readonly size: number;
}

/** Characters of the largest config that is remembered, and of all that are. */
const LARGEST_REMEMBERED = 64 * 1024;
const MOST_REMEMBERED = 4 * 1024 * 1024;
/** Values in a text: an operator writes fewer, and each takes far more memory than its text. */
const MOST_VALUES = 700_000;

/**
 * Reads configs back from the Secrets that an operator wrote: so a config in force outlives the operator. Small configs are
 * remembered, since most passes find the same config as the pass before.
 */
export class WrittenConfigs {
  /** The config that was used longest ago comes first. */
  readonly #remembered = new Map<string, Remembered>();
  #size = 0;

  /** The config of this hash, if it is remembered. */
  remembered(proxy: string, hash: string): { readonly config: Config | undefined } | undefined {
    const remembered = this.#remembered.get(proxy);
    if (remembered?.hash !== hash) return undefined;
    this.#remembered.delete(proxy);
    this.#remembered.set(proxy, remembered);
    return remembered;
  }

  /**
   * The config in a proxy's config Secrets, by part; undefined: there is none, or none that can be used. Calls `opened`
   * with the length of its text before the text becomes objects.
   */
  read(
    proxy: string,
    parts: readonly (SecretData | undefined)[],
    opened: (size: number) => void = () => {},
  ): Config | undefined {
    const hash = hashIn(parts[0]);
    if (hash === undefined) return undefined;
    const remembered = this.remembered(proxy, hash);
    if (remembered !== undefined) return remembered.config;
    const text = textOf(parts, hash);
    opened(text?.length ?? 0);
    const config = text === undefined ? undefined : configIn(text);
    this.#remember(proxy, { hash, config, size: config === undefined ? 0 : (text?.length ?? 0) });
    return config;
  }

  forget(proxy: string): void {
    this.#size -= this.#remembered.get(proxy)?.size ?? 0;
    this.#remembered.delete(proxy);
  }

  #remember(proxy: string, config: Remembered): void {
    this.forget(proxy);
    if (config.size > LARGEST_REMEMBERED) return;
    this.#remembered.set(proxy, config);
    this.#size += config.size;
    for (const [oldest] of this.#remembered) {
      if (this.#size <= MOST_REMEMBERED) return;
      this.forget(oldest);
    }
  }
}

/** The hash of the config in a proxy's config Secrets, by the first of them; undefined: there is none. */
export function hashIn(data: SecretData | undefined): string | undefined {
  return entryIn(data, PACKED.configHash);
}

/** How many parts there are. */
export function partsIn(data: SecretData | undefined): number {
  const count = Number(entryIn(data, PACKED.configParts));
  return count >= 1 && count <= PACKED.mostParts ? count : 0;
}

function textOf(parts: readonly (SecretData | undefined)[], hash: string): string | undefined {
  const packed = parts
    .slice(0, partsIn(parts[0]))
    .map((data, part) => Buffer.from(data?.[PACKED.configPart(part)] ?? "", "base64"));
  return unpack(Buffer.concat(packed), hash, LARGEST_WRITTEN);
}

function configIn(text: string): Config | undefined {
  try {
    // Another version of the operator, or another writer, may have written it.
    return valuesIn(text) > MOST_VALUES ? undefined : configSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** At least as many as the JSON has values: each value but the first stands behind one of these characters. */
function valuesIn(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === 0x2c || unit === 0x5b || unit === 0x7b) count += 1;
  }
  return count;
}

function entryIn(data: SecretData | undefined, key: string): string | undefined {
  const value = data?.[key];
  return value === undefined ? undefined : Buffer.from(value, "base64").toString("utf8");
}
