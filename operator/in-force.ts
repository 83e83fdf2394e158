import { Buffer } from "node:buffer";
import { config as configSchema, type Config } from "../api/config.ts";
import { LARGEST_TEXT, PACKED } from "../api/meta.ts";
import { unpack } from "../runtime/packed-text.ts";

/** The data of a Secret, as the API has it. */
export type SecretData = Readonly<Record<string, string>>;

interface Known {
  readonly hash: string;
  readonly config: Config | undefined;
}

/** The configs that proxies have in force, read back from where they were written: so they outlive the operator. */
export class InForce {
  /** Reading a large one takes a while, and most passes find what the last one found. */
  readonly #known = new Map<string, Known>();

  /** The config in a proxy's config Secrets, by part; undefined: there is none, or none that can be used. */
  read(proxy: string, parts: readonly (SecretData | undefined)[]): Config | undefined {
    const hash = textIn(parts[0], PACKED.configHash);
    if (hash === undefined) return undefined;
    const known = this.#known.get(proxy);
    if (known?.hash === hash) return known.config;
    const config = configIn(parts, hash);
    this.#known.set(proxy, { hash, config });
    return config;
  }

  forget(proxy: string): void {
    this.#known.delete(proxy);
  }
}

function configIn(parts: readonly (SecretData | undefined)[], hash: string): Config | undefined {
  const count = Number(textIn(parts[0], PACKED.configParts));
  const packed = parts
    .slice(0, count)
    .map((data, part) => Buffer.from(data?.[PACKED.configPart(part)] ?? "", "base64"));
  const text = unpack(Buffer.concat(packed), hash, LARGEST_TEXT);
  if (text === undefined) return undefined;
  try {
    // Somebody else, or another version of the operator, may have written it.
    return configSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function textIn(data: SecretData | undefined, key: string): string | undefined {
  const value = data?.[key];
  return value === undefined ? undefined : Buffer.from(value, "base64").toString("utf8");
}
