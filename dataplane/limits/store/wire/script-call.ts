import { ErrorReply } from "@redis/client";
import type { Clock } from "../../../../runtime/clock.ts";
import type { Connection } from "./connection.ts";
import { Deadline } from "./deadline.ts";
import { causeOf, faultOf, type Fault } from "./faults.ts";
import { Unavailable } from "../link.ts";
import type { Script } from "../scripts/script.ts";
import type { Result } from "../link-metrics.ts";

/** So many times its patience a call waits at most, while other calls are answered. */
const MOST_PATIENCE = 5;
/** Of a call that ran out of time. */
export const LATE = "it did not answer in time";

export interface ScriptCall {
  readonly connection: Pick<Connection, "ask">;
  readonly clock: Clock;
  readonly script: Script;
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
  /** Longest time without any answer of the store, in ms. */
  readonly patience: number;
  /** When the store answered a call in time for the last time. */
  readonly answered: () => number;
  /** How it ended, before the caller knows; `fault`: with which error of the store. */
  readonly ended: (result: Result, seconds: number, fault?: Fault) => void;
}

/** Runs a script by its hash, and sends its text where the store does not know it. Rejects with Unavailable only. */
export function runScript(call: ScriptCall): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const { connection, clock, script, patience } = call;
    const started = clock.now();
    let over = false;
    const end = (result: Result, fault?: Fault): void => {
      over = true;
      deadline.cancel();
      call.ended(result, (clock.now() - started) / 1000, fault);
    };
    const left = (): number =>
      Math.min(Math.max(started, call.answered()) + patience, started + MOST_PATIENCE * patience) - clock.now();
    const deadline = new Deadline(clock, left, patience / 2, () => {
      end("Late");
      reject(new Unavailable(LATE));
    });
    const ask = (command: string, what: string): void => {
      const { keys, args } = call;
      connection.ask([command, what, String(keys.length), ...keys, ...args.map(String)]).then(answered, failed);
    };
    const answered = (answer: unknown): void => {
      if (over) return;
      end("Answered");
      resolve(answer);
    };
    const failed = (error: Error): void => {
      if (over) return;
      const fault = error instanceof ErrorReply ? faultOf(error.message) : undefined;
      if (fault?.kind === "NoScript") return ask("EVAL", script.text);
      end("Failed", fault);
      reject(new Unavailable(fault?.cause ?? causeOf(error)));
    };
    if (script.inOrder === true) ask("EVAL", script.text);
    else ask("EVALSHA", script.sha1);
  });
}
