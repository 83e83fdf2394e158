import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** What the probes of a process found. */
export interface Health {
  /**
   * CPU time that the process' main thread took from the start of each probe to its answer, in ms: what it did first.
   * That is its own doing, on a machine whose cores have other work too.
   */
  readonly own: readonly number[];
  /** Time of those probes, in ms, during which no thread of the process, nor the test, had to wait for a core. */
  readonly unhindered: readonly number[];
  readonly failures: readonly string[];
}

/** Less than this in sum, in ms, is no waiting. */
const HARDLY = 20;

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
  const health = { own: [] as number[], unhindered: [] as number[], failures: [] as string[] };
  for (let turn = 0; !stop.aborted; turn += 1) {
    const path = turn % 2 === 0 ? "/healthz" : "/readyz";
    const [start, before] = [performance.now(), usageOf(pid)];
    try {
      const headers = { connection: "close" };
      const answer = await fetch(`http://127.0.0.1:${adminPort}${path}`, { headers });
      await answer.text();
      if (answer.status !== 200) health.failures.push(`${path} ${answer.status}`);
    } catch (error) {
      health.failures.push(`${path} ${String(error)}`);
    }
    const [time, after] = [performance.now() - start, usageOf(pid)];
    health.own.push(after.cpu - before.cpu);
    if (after.waited - before.waited < HARDLY) health.unhindered.push(time);
    await sleep(20);
  }
  return health;
}

/**
 * CPU time of a process' main thread, and for how long all its threads, and this one, have been ready to run and had no
 * core, in ms (proc(5), schedstat). All of them: the main one sleeps until those that collect garbage with it are done.
 */
function usageOf(pid: number): { readonly cpu: number; readonly waited: number } {
  const threads = readdirSync(`/proc/${pid}/task`).map((id) => scheduled(`${pid}/task/${id}`));
  const waited = [...threads, scheduled("thread-self")].reduce((sum, thread) => sum + thread.waited, 0);
  return { cpu: scheduled(`${pid}/task/${pid}`).cpu, waited };
}

/** Of a thread; one that has just ended waits for nothing. */
function scheduled(thread: string): { readonly cpu: number; readonly waited: number } {
  try {
    const [cpu = 0, waited = 0] = readFileSync(`/proc/${thread}/schedstat`, "utf8").split(" ").map(Number);
    return { cpu: cpu / 1e6, waited: waited / 1e6 };
  } catch {
    return { cpu: 0, waited: 0 };
  }
}
