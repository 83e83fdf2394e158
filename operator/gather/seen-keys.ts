import { Buffer } from "node:buffer";
import type { Config } from "../../api/config.ts";
import { tools } from "../platform/tools.ts";
import { keyEntries } from "../translate/references/key-entries.ts";
import type { Resources } from "../translate/resources.ts";
import { authenticationsOf } from "../translate/references/unread.ts";

/** Bytes of a digest that are remembered: two digests never share them. */
const PREFIX = 16;
/** Most bytes for one proxy, since a tenant can fill them for each of its proxies: twice as many keys as it can have in force. */
const LARGEST_ROW = 20_000 * PREFIX;

/**
 * Remembers, while a Secret of a proxy cannot be read, the digests of the keys in its other Secrets. A key in force that is
 * in no readable Secret may be in the unreadable one, and stays; but if it was seen in a readable Secret, it was removed.
 */
export class SeenKeys {
  /** Proxy → the first PREFIX bytes of each digest, one after the other. */
  readonly #seen = new Map<string, Buffer>();

  /** Bytes that are remembered. */
  get weight(): number {
    return [...this.#seen.values()].reduce((sum, { length }) => sum + length, 0);
  }

  /** Digests of the keys in force that earlier passes saw; remembers the keys of this pass for the next one. */
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
    // Only keys in force matter later. Where the config in force is not known, all that was seen is remembered.
    const old = inForce === undefined && before.length < LARGEST_ROW ? starts : [...seen].map(startOf);
    const row = new Set([...old, ...now.map(({ digest }) => startOf(digest))]);
    this.#seen.set(proxy, Buffer.concat([...row].map((start) => Buffer.from(start, "base64"))));
    return seen;
  }

  /** Forgets a proxy that is gone. */
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
