import { createClient } from "@redis/client";
import { Unavailable, type Link } from "../../dataplane/limits/store/link.ts";
import type { Script } from "../../dataplane/limits/store/scripts/script.ts";

/** What becomes of a call: `late` runs it and loses its answer, `never` does not send it. */
export type Fate = "fine" | "late" | "never";

/** A link without deadline and breaker: each call goes to the store, and a test may lose it or its answer. */
export class DirectLink implements Link {
  available = true;
  calls = 0;
  /** Of the next calls. */
  fate: Fate = "fine";
  readonly #client: ReturnType<typeof createClient>;

  private constructor(port: number) {
    this.#client = createClient({ socket: { host: "127.0.0.1", port } });
    this.#client.on("error", () => {});
  }

  static async open(port: number): Promise<DirectLink> {
    const link = new DirectLink(port);
    await link.#client.connect();
    return link;
  }

  async call(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    this.calls += 1;
    const { fate } = this;
    if (fate === "never") throw new Unavailable();
    const options = { keys: [...keys], arguments: args.map(String) };
    const answer = await this.#client.evalSha(script.sha1, options).catch(async (error: Error) => {
      if (error.message.startsWith("NOSCRIPT")) return this.#client.eval(script.text, options);
      throw new Unavailable(error.message);
    });
    if (fate === "late") throw new Unavailable();
    return answer;
  }

  async rejoin(): Promise<void> {}

  close(): void {
    this.#client.destroy();
  }
}
