import { Buffer } from "node:buffer";
import { config as configSchema, type Config } from "../../api/config.ts";
import { LARGEST_WRITTEN, PACKED } from "../../api/meta.ts";
import { unpack } from "../../runtime/packed-text.ts";

/** The data of a Secret, as the API has it. */
export type SecretData = Readonly<Record<string, string>>;

interface Known {
  readonly hash: string;
  readonly config: Config | undefined;
  readonly size: number;
}

/** Characters of a config that is remembered, and of all of them. */
const LARGEST_KNOWN = 64 * 1024;
const MOST_KNOWN = 4 * 1024 * 1024;
/** Values in a text: an operator writes fewer, and each takes far more memory than text. */
const MOST_VALUES = 700_000;

/**
 * The configs that proxies have in force, read back from where they were written: so they outlive the operator. Small ones
 * are remembered, since most passes find what the last one found.
 */
export class InForce {
  /** Longest ago first. */
  readonly #known = new Map<string, Known>();
  #size = 0;

  /** The config of a hash, where it is remembered. */
  known(proxy: string, hash: string): { readonly config: Config | undefined } | undefined {
    const known = this.#known.get(proxy);
    if (known?.hash !== hash) return undefined;
    this.#known.delete(proxy);
    this.#known.set(proxy, known);
    return known;
  }

  /**
   * The config in a proxy's config Secrets, by part; undefined: there is none, or none that can be used. `opened` is told
   * how many characters it has, before they are made into objects.
   */
  read(
    proxy: string,
    parts: readonly (SecretData | undefined)[],
    opened: (size: number) => void = () => {},
  ): Config | undefined {
    const hash = hashIn(parts[0]);
    if (hash === undefined) return undefined;
    const known = this.known(proxy, hash);
    if (known !== undefined) return known.config;
    const text = textOf(parts, hash);
    opened(text?.length ?? 0);
    const config = text === undefined ? undefined : configIn(text);
    this.#remember(proxy, { hash, config, size: config === undefined ? 0 : (text?.length ?? 0) });
    return config;
  }

  forget(proxy: string): void {
    this.#size -= this.#known.get(proxy)?.size ?? 0;
    this.#known.delete(proxy);
  }

  #remember(proxy: string, known: Known): void {
    this.forget(proxy);
    if (known.size > LARGEST_KNOWN) return;
    this.#known.set(proxy, known);
    this.#size += known.size;
    for (const [oldest] of this.#known) {
      if (this.#size <= MOST_KNOWN) return;
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

/** At least as many values as JSON holds: each but the first stands behind one of these. */
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
