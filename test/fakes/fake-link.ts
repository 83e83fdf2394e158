import { Unavailable, type Link } from "../../dataplane/limits/store/link.ts";
import type { Script } from "../../dataplane/limits/store/scripts/script.ts";

/** One line of a call: what a pocket asks of its bucket. */
export interface FakeLine {
  readonly key: string;
  readonly holds: number;
  readonly back: number;
  readonly least: number;
  readonly need: number;
  readonly ahead: number;
}

/** A link whose calls of BORROW a test answers. */
export class FakeLink implements Link {
  available = true;
  /** Calls without an answer yet, oldest first. */
  readonly open: {
    readonly lines: readonly FakeLine[];
    answer(...numbers: number[]): Promise<void>;
    /** An answer of any form. */
    say(answer: unknown): Promise<void>;
    fail(): Promise<void>;
  }[] = [];
  /** All that were ever sent. */
  sent = 0;

  call(_script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    this.sent += 1;
    const texts = String(args[2]).split("\n");
    const lines = keys.map((key, at) => {
      const words = (texts[at] ?? "").split(" ").slice(5).map(Number);
      const [holds = 0, back = 0, least = 0, need = 0, ahead = 0] = words;
      return { key, holds, back, least, need, ahead };
    });
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const done = async (): Promise<void> => {
      this.open.splice(this.open.indexOf(call), 1);
      await turn();
    };
    const call = {
      lines,
      answer: (...numbers: number[]) => call.say(numbers.join(" ")),
      say: async (answer: unknown) => {
        resolve(answer);
        await done();
      },
      fail: async () => {
        reject(new Unavailable());
        await done();
      },
    };
    this.open.push(call);
    return promise;
  }

  async rejoin(): Promise<void> {}

  /** Answers each line of the oldest call with all that it asks. */
  async grant(): Promise<void> {
    const call = this.open[0];
    if (call === undefined) throw new Error("the store was not asked");
    await call.answer(...call.lines.flatMap(({ need, ahead, holds }) => [need + ahead, 0, holds]));
  }

  /** Answers each line of the oldest call with nothing, and a wait in ms. */
  async refuse(wait: number): Promise<void> {
    const call = this.open[0];
    if (call === undefined) throw new Error("the store was not asked");
    await call.answer(...call.lines.flatMap(({ holds }) => [0, wait * 1000, holds]));
  }
}

/** What runs at the end of this turn of the event loop has run. */
export const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(() => setImmediate(resolve));
  });
