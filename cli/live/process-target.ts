import { open } from "node:fs/promises";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { isToken, type TypedTarget } from "./target-options.ts";
import { LiveFailure } from "./live-failure.ts";
import type { Place, Target } from "./target.ts";

/** Bytes of a token's file that are read. */
const LARGEST_FILE = 8192;

/** One process by the URL of its admin port. Rejects with LiveFailure where the token's file cannot be used. */
export async function processTarget({ url, token, tokenFile }: TypedTarget & { in: "process" }): Promise<Target> {
  const place = new ProcessPlace(url, token ?? (await tokenIn(tokenFile ?? "")), tokenFile);
  return { title: place.name, single: true, places: () => Promise.resolve([place]), close: () => {} };
}

class ProcessPlace implements Place {
  readonly id: string;
  readonly name: string;
  readonly host: string;
  readonly leaving = false;
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
