import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** What the probes of a process found. */
export interface Health {
  /** Of each probe, in ms. */
  readonly times: readonly number[];
  /**
   * The same without what neither process could help: the time in which one of both was ready to run and had no core.
   * On a machine whose cores have other work too, this is what the process itself is answerable for.
   */
  readonly own: readonly number[];
  readonly failures: readonly string[];
}

/** Asks a process for /healthz and /readyz as a kubelet does, over a new connection each time, until it is told to stop. */
export function watchHealth(adminPort: number, pid: number): { stop: () => Promise<Health> } {
  const stop = new AbortController();
  const done = watched(adminPort, pid, stop.signal);
  return {
    stop: () => {
      stop.abort();
      return done;
    },
  };
}

async function watched(adminPort: number, pid: number, stop: AbortSignal): Promise<Health> {
  const health = { times: [] as number[], own: [] as number[], failures: [] as string[] };
  for (let turn = 0; !stop.aborted; turn += 1) {
    const path = turn % 2 === 0 ? "/healthz" : "/readyz";
    const [start, starved] = [performance.now(), starvedOf(pid)];
    try {
      const headers = { connection: "close" };
      const answer = await fetch(`http://127.0.0.1:${adminPort}${path}`, { headers });
      await answer.text();
      if (answer.status !== 200) health.failures.push(`${path} ${answer.status}`);
    } catch (error) {
      health.failures.push(`${path} ${String(error)}`);
    }
    const time = performance.now() - start;
    health.times.push(time);
    health.own.push(time - (starvedOf(pid) - starved));
    await sleep(20);
  }
  return health;
}

/** For how many ms the main thread of a process, and this one, have been ready to run and had no core (proc(5): schedstat). */
function starvedOf(pid: number): number {
  const waited = (thread: string): number => Number(readFileSync(`/proc/${thread}/schedstat`, "utf8").split(" ")[1]);
  return (waited(`${pid}/task/${pid}`) + waited("thread-self")) / 1e6;
}
