import { open } from "node:fs/promises";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { configReport } from "../../api/report.ts";
import { oneLine } from "../connect/terminal-text.ts";
import { ask } from "./ask.ts";
import { isToken, type TypedTarget } from "./target-options.ts";
import { LiveFailure } from "./live-failure.ts";
import type { Place, Target } from "./target.ts";

/** Proxies that a sentence names. */
const MOST_NAMED = 5;
/** Bytes of a token's file that are read. */
const LARGEST_FILE = 8192;

/** One process by the URL of its admin port. Rejects with LiveFailure where the token's file cannot be used. */
export async function processTarget(
  { url, token, tokenFile, proxy }: TypedTarget & { in: "process" },
  signal: AbortSignal,
): Promise<Target> {
  const place = new ProcessPlace(url, token ?? (await tokenIn(tokenFile ?? "")), tokenFile);
  if (proxy !== undefined) place.only = await proxyOf(place, proxy, signal);
  const title = place.only === undefined ? place.name : `${place.only} at ${place.name}`;
  return { title, single: true, places: () => Promise.resolve([place]), close: () => {} };
}

/** The full name of a proxy that the process serves. */
async function proxyOf(
  place: Place,
  { name, namespace }: { readonly name: string; readonly namespace: string | undefined },
  signal: AbortSignal,
): Promise<string> {
  const { proxies, more } = await ask(place, { path: "/config" }, configReport, signal);
  const names = proxies.map(({ proxy }) => proxy);
  const found = names.filter((one) =>
    namespace === undefined ? one.endsWith(`/${name}`) : one === `${namespace}/${name}`,
  );
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  // The report of a process with very many proxies leaves some out.
  if (more > 0 && namespace !== undefined) return `${namespace}/${name}`;
  const some = (all: readonly string[]): string => all.slice(0, MOST_NAMED).map(safe).join(", ");
  if (found.length > 1) {
    throw new LiveFailure("NoProxy", `${place.name} serves several proxies ${name}; add -n NAMESPACE: ${some(found)}`);
  }
  const whole = namespace === undefined ? name : `${namespace}/${name}`;
  const serves = names.length === 0 ? "it serves none" : `it serves ${some(names)}`;
  throw new LiveFailure("NoProxy", `${place.name} serves no proxy ${whole}; ${serves}`);
}

function safe(name: string): string {
  return oneLine(name.slice(0, 320));
}

class ProcessPlace implements Place {
  readonly id: string;
  readonly name: string;
  readonly host: string;
  readonly leaving = false;
  only: string | undefined = undefined;
  readonly wrongToken: string;
  token: string;
  readonly #url: URL;
  readonly #file: string | undefined;

  constructor(url: URL, token: string, file: string | undefined) {
    this.#url = url;
    this.#file = file;
    this.host = url.host;
    this.name = url.host;
    this.id = url.host;
    this.token = token;
    this.wrongToken = `the process at ${url.host} does not take this token; standalone prints its token when it starts`;
  }

  connect(signal: AbortSignal): Promise<Duplex> {
    const host = this.#url.hostname.replace(/^\[(.*)\]$/, "$1");
    const port = this.#url.port === "" ? 80 : Number(this.#url.port);
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, signal, noDelay: true });
      const failed = (cause: Error): void =>
        reject(new LiveFailure("Unreachable", `no process answers at ${this.host}`, { cause }));
      socket.once("error", failed);
      socket.once("connect", () => {
        socket.off("error", failed);
        resolve(socket);
      });
    });
  }

  async renewToken(): Promise<boolean> {
    if (this.#file === undefined) return false;
    const before = this.token;
    this.token = await tokenIn(this.#file);
    return this.token !== before;
  }
}

async function tokenIn(file: string): Promise<string> {
  const failure = (what: string, cause?: unknown): LiveFailure =>
    new LiveFailure("NoTarget", `--token-file ${file} ${what}`, { cause });
  const handle = await open(file).catch((cause: unknown) => {
    throw failure("cannot be read", cause);
  });
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(LARGEST_FILE));
    const text = buffer.toString("utf8", 0, bytesRead).trim();
    if (!isToken(text)) throw failure("does not hold a token alone");
    return text;
  } catch (cause) {
    throw cause instanceof LiveFailure ? cause : failure("cannot be read", cause);
  } finally {
    await handle.close();
  }
}
