import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { onTestFinished } from "vitest";

/** Results of the probes of a process. */
export interface Health {
  /**
   * CPU time of the main thread of the process from the start of each probe to its answer, in ms: its work before the
   * answer. CPU time does not depend on other work of the machine.
   */
  readonly own: readonly number[];
  /** Time of those probes, in ms, during which no thread of the process, nor the test, had to wait for a core. */
  readonly unhindered: readonly number[];
  readonly failures: readonly string[];
}

/** Waiting below this sum, in ms, is ignored. */
const HARDLY = 20;

/**
 * Requests /healthz and /readyz of a process as a kubelet does, over a new connection each time, until `stop` is
 * called or the test ends.
 */
export function watchHealth(adminPort: number, pid: number): { stop: () => Promise<Health> } {
  const stop = new AbortController();
  const done = watched(adminPort, pid, stop.signal);
  onTestFinished(() => stop.abort());
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
 * CPU time of the main thread of a process, and for how long all its threads and this one were ready to run without a
 * core, in ms (proc(5), schedstat). All threads count: the main thread waits for those that collect garbage with it.
 */
function usageOf(pid: number): { readonly cpu: number; readonly waited: number } {
  const threads = threadsOf(pid).map((id) => scheduled(`${pid}/task/${id}`));
  const waited = [...threads, scheduled("thread-self")].reduce((sum, thread) => sum + thread.waited, 0);
  return { cpu: scheduled(`${pid}/task/${pid}`).cpu, waited };
}

/** None if the process has ended. */
function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** CPU and waiting time of a thread; zero if it has ended. */
function scheduled(thread: string): { readonly cpu: number; readonly waited: number } {
  try {
    const [cpu = 0, waited = 0] = readFileSync(`/proc/${thread}/schedstat`, "utf8").split(" ").map(Number);
    return { cpu: cpu / 1e6, waited: waited / 1e6 };
  } catch {
    return { cpu: 0, waited: 0 };
  }
}
