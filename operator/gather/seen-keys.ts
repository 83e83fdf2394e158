import { Buffer } from "node:buffer";
import type { Config } from "../../api/config.ts";
import { tools } from "../platform/tools.ts";
import { keyEntries } from "../translate/references/key-entries.ts";
import type { Resources } from "../translate/resources.ts";
import { authenticationsOf } from "../translate/references/unread.ts";

/** Bytes of a digest that are remembered: enough to tell any two of them apart. */
const PREFIX = 16;
/** Bytes; twice as many keys as are ever in force of one proxy. Any tenant can fill as much for each of its proxies. */
const LARGEST_ROW = 20_000 * PREFIX;

/**
 * Digests of what Secrets of a proxy have held since one of them cannot be read. Whose keys are in force is not known
 * then, and they stay; but one that was seen in a Secret, and is in none now, was removed.
 */
export class SeenKeys {
  /** By proxy: the starts of the digests in a row. */
  readonly #seen = new Map<string, Buffer>();

  /** Bytes that are remembered. */
  get weight(): number {
    return [...this.#seen.values()].reduce((sum, { length }) => sum + length, 0);
  }

  /** Those keys in force that were seen in earlier passes; what there is now is remembered for the next one. */
  before(
    proxy: string,
    { secrets, unread = [] }: Pick<Resources, "secrets" | "unread">,
    inForce: Config | undefined,
  ): ReadonlySet<string> {
    const before = this.#seen.get(proxy) ?? Buffer.alloc(0);
    const starts = startsIn(before);
    const keys = inForce === undefined ? [] : authenticationsOf(inForce).flatMap(({ apiKey }) => apiKey?.keys ?? []);
    const seen = new Set(
      starts.size === 0 ? [] : keys.map(({ digest }) => digest).filter((it) => starts.has(startOf(it))),
    );
    if (unread.length === 0) {
      this.#seen.delete(proxy);
      return seen;
    }
    const now = secrets.filter(({ type }) => type === "Opaque").flatMap((secret) => keyEntries(secret, tools));
    // What is not in force any more is not asked about again; what is in force is not known in every pass.
    const old = inForce === undefined && before.length < LARGEST_ROW ? starts : [...seen].map(startOf);
    const row = new Set([...old, ...now.map(({ digest }) => startOf(digest))]);
    this.#seen.set(proxy, Buffer.concat([...row].map((start) => Buffer.from(start, "base64"))));
    return seen;
  }

  /** A proxy is gone. */
  forget(proxy: string): void {
    this.#seen.delete(proxy);
  }
}

function startOf(digest: string): string {
  return Buffer.from(digest, "base64url").toString("base64", 0, PREFIX);
}

function startsIn(row: Buffer): ReadonlySet<string> {
  const starts = new Set<string>();
  for (let at = 0; at < row.length; at += PREFIX) starts.add(row.toString("base64", at, at + PREFIX));
  return starts;
}
