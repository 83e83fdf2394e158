import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { pause } from "../../runtime/loop/pause.ts";
import { ApiError } from "./api-error.ts";
import { BackOff } from "./back-off.ts";
import type { Caller } from "./call.ts";
import { record } from "./record.ts";

export interface VersionOptions {
  readonly client: Caller;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

/** Waits between questions while the API server does not answer; ms. */
const LEAST_WAIT = 500;
const LONGEST_WAIT = 10_000;
/** Longest answer, in characters. */
const LARGEST = 65_536;

/** Version of the API server, such as 1.30; a distribution may call it "30+" or "v1.30.4-gke.100". */
export type ServerVersion = readonly [major: number, minor: number];

/**
 * Asks the API server for its version until it answers. undefined: the answer does not say it, the API server refuses to
 * tell, or the signal aborted.
 */
export async function serverVersion(options: VersionOptions, signal: AbortSignal): Promise<ServerVersion | undefined> {
  const { client, clock, random, log } = options;
  const waits = new BackOff(LEAST_WAIT, LONGEST_WAIT, random);
  while (!signal.aborted) {
    try {
      return versionIn(await client.request({ path: "/version", most: LARGEST, signal }));
    } catch (error) {
      if (signal.aborted) return undefined;
      log.warn({ err: error }, "no version from the API server");
      if (isRefusal(error)) return undefined;
      await pause(waits.next(), clock, signal);
    }
  }
  return undefined;
}

export function versionIn(answer: unknown): ServerVersion | undefined {
  const { major, minor, gitVersion } = record(answer);
  const [, first, second] =
    /^(\d+)\D*\.(\d+)/.exec(`${String(major)}.${String(minor)}`) ?? /^v?(\d+)\.(\d+)/.exec(String(gitVersion)) ?? [];
  return first === undefined || second === undefined ? undefined : [Number(first), Number(second)];
}

/** Is it this version or a newer one? */
export function isAtLeast([major, minor]: ServerVersion, [leastMajor, leastMinor]: ServerVersion): boolean {
  return major === leastMajor ? minor >= leastMinor : major > leastMajor;
}

/** An answer that will be the same the next time. */
function isRefusal(error: unknown): boolean {
  const status = error instanceof ApiError ? error.status : 0;
  return status >= 400 && status < 500 && ![401, 408, 429].includes(status);
}
