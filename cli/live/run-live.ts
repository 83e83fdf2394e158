import type { CommandIO } from "../line/command.ts";
import { failureIn } from "./live-failure.ts";
import { EXIT } from "../line/exit-codes.ts";

/**
 * Runs a command against a gateway: a failure becomes a sentence and an exit code; the first signal aborts what it does.
 * A command that a signal ended has done what it was asked for: the exit code is 0, unless `stopped` is another one.
 */
export async function runLive(
  command: string,
  io: Pick<CommandIO, "err" | "signals">,
  work: (signal: AbortSignal) => Promise<number>,
  stopped: number = EXIT.ok,
): Promise<number> {
  const shutdown = io.signals();
  const { stop } = shutdown;
  // Timers of a time-out alone do not keep the process alive.
  const alive = setInterval(() => {}, 60_000);
  try {
    return await work(stop);
  } catch (error) {
    if (stop.aborted) {
      if (stopped !== EXIT.ok) io.err.write(`wsproxy ${command}: stopped before it was done\n`);
      return stopped;
    }
    const failure = failureIn(error);
    io.err.write(`wsproxy ${command}: ${failure.message}\n`);
    return failure.exit;
  } finally {
    clearInterval(alive);
    shutdown.dispose();
  }
}
