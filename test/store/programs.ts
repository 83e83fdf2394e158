import { spawnSync } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";

/** Where test/store/setup.sh puts the servers that Debian does not have. */
const INSTALLED = process.env["WSPROXY_STORE"] ?? join(homedir(), ".cache/wsproxy/store");

/** A program that tests run as the store. */
export interface StoreProgram {
  /** For titles; it says what is missing where it is. */
  readonly name: string;
  readonly path: string;
  /** Why it does not run here; undefined: it does. */
  readonly lacks: string | undefined;
  /** The program was built with TLS. */
  readonly tls: boolean;
}

/** Every kind of server that wsproxy is tested with: `describe.each(STORES)("$name", ({ path, lacks }) => …)`. */
export const STORES: readonly StoreProgram[] = [
  program("Redis of Debian", "redis-server", "redis-server is not installed", true),
  program("Valkey 9", join(INSTALLED, "valkey-server"), "test/store/setup.sh has not run", false),
  program("Redis 6.2.5", join(INSTALLED, "redis-server-6.2"), "test/store/setup.sh has not run", false),
];

/** Debian's, which has TLS; where it is missing, one of the others. */
export const ANY_STORE: StoreProgram = STORES.find(({ lacks }) => lacks === undefined) ?? absent();

/** Why tests that need a store are skipped here; undefined: they run. */
export const STORE_LACKS: string | undefined = ANY_STORE.lacks;

/** Why tests that need a store with TLS are skipped here. */
export const STORE_TLS_LACKS: string | undefined = ANY_STORE.lacks ?? (ANY_STORE.tls ? undefined : absent().lacks);

function program(name: string, path: string, missing: string, tls: boolean): StoreProgram {
  const runs = spawnSync(path, ["--version"]).status === 0;
  return { name: runs ? name : `${name} (skipped: ${missing})`, path, lacks: runs ? undefined : missing, tls };
}

function absent(): StoreProgram {
  return program("redis-server", "redis-server", "redis-server is not installed", true);
}
