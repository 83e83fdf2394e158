import { request } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ADMIN_TOKEN_FILE } from "../../api/meta.ts";
import { hostPort } from "../../runtime/host-port.ts";
import { EXIT } from "../line/exit-codes.ts";
import { readAdminToken } from "./admin-token.ts";

/** The admin port may be open on one of them only. */
const HOSTS = ["127.0.0.1", "::1"] as const;
/** For a data plane to take over a token that has just changed, in ms. */
const TOKEN_PATIENCE = 1500;
/** Time between two requests, in ms. */
const AGAIN = 250;

/** An answer's status; undefined: no process listens, or the connection broke. */
type Answered = { readonly status: number; readonly host: string } | { readonly status: undefined };

/**
 * Begins the drain of the data plane whose admin port this is, and waits until it is over. Resolves with the exit code;
 * what went wrong is told on `err`. Loads little: while it starts, sessions of a pod that stops are not yet told.
 */
export async function askToDrain(folder: string, port: number, err: NodeJS.WritableStream): Promise<number> {
  const failed = (code: number, why: string): number => {
    err.write(`wsproxy drain: ${why}\n`);
    return code;
  };
  const begun = await begin(join(folder, ADMIN_TOKEN_FILE), port);
  if (typeof begun === "string") return failed(EXIT.unavailable, begun);
  const { status, host } = begun;
  if (status === 401)
    return failed(EXIT.negative, `the data plane on port ${port} does not take the token of ${folder}`);
  if (status === 404) return failed(EXIT.negative, `the process on port ${port} is no data plane that can be drained`);
  if (status !== 200 && status !== 202) return failed(EXIT.negative, `the process on port ${port} answered ${status}`);
  while (!(await isOver(host, port))) await sleep(AGAIN);
  err.write("drained\n");
  return EXIT.ok;
}

/** The answer to POST /drain; a text: why there is none. */
async function begin(file: string, port: number): Promise<{ status: number; host: string } | string> {
  for (let patience = TOKEN_PATIENCE; ; patience -= AGAIN) {
    const read = await readAdminToken(file);
    if (read.token === undefined) return read.problem;
    const answered = await post(port, read.token);
    if (answered.status === undefined) return `no process answers on port ${port} of ${HOSTS.join(" or ")}`;
    if (answered.status !== 401 || patience <= 0) return answered;
    await sleep(AGAIN);
  }
}

async function post(port: number, token: string): Promise<Answered> {
  for (const host of HOSTS) {
    const answered = await ask("POST", host, port, "/drain", { authorization: `Bearer ${token}` });
    if (answered.status !== undefined) return answered;
  }
  return { status: undefined };
}

/** A 503 says that too many wait. Where no process listens any more, it has ended, and its sessions with it. */
async function isOver(host: string, port: number): Promise<boolean> {
  const { status } = await ask("GET", host, port, "/drained");
  if (status !== undefined) return status !== 503;
  return (await ask("GET", host, port, "/healthz")).status === undefined;
}

/** Waits for the answer as long as it takes: a drain may take hours. */
function ask(
  method: string,
  host: string,
  port: number,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answered> {
  return new Promise((resolve) => {
    const call = request({
      method,
      host,
      port,
      path,
      agent: false,
      headers: { host: hostPort(host, port), ...headers },
    });
    call.on("response", (response) => {
      response.resume();
      resolve({ status: response.statusCode ?? 0, host });
    });
    call.on("error", () => resolve({ status: undefined }));
    call.end();
  });
}
