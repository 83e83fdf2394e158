import { join } from "node:path";
import { command } from "./command.ts";
import { KindProvider } from "./kind.ts";
import { LocalProvider } from "./local.ts";
import type { Engine, Provider } from "./provider.ts";
import { ROOT } from "./tools.ts";

/** What a scenario needs beyond the cluster: a purpose of test/machine/lacks.sh. */
export type Purpose = "prometheus";

/** The machine cannot run it; the message is for the person at the terminal, who needs no stack. */
export class UnfitMachine extends Error {}

/**
 * kind where an engine answers, else a cluster without one; `WSPROXY_E2E_PROVIDER` decides otherwise. Rejects with all that
 * the machine lacks for it, before anything is built.
 */
export async function chooseProvider(asked: string | undefined, purposes: readonly Purpose[] = []): Promise<Provider> {
  if (asked !== undefined && asked !== "kind" && asked !== "local")
    throw new UnfitMachine(`WSPROXY_E2E_PROVIDER is "${asked}", and neither kind nor local`);
  const engine = asked === "local" ? new Error("WSPROXY_E2E_PROVIDER is local") : await answering();
  if (typeof engine === "string") {
    const lack = await lacks("kind", "image", "go", ...purposes);
    if (lack !== undefined) throw new UnfitMachine(`this machine cannot run kind: ${lack}`);
    return new KindProvider(engine);
  }
  if (asked === "kind")
    throw new UnfitMachine(`WSPROXY_E2E_PROVIDER is kind, and there is no engine for it: ${engine.message}`);
  const lack = await lacks("local", "go", ...purposes);
  if (lack !== undefined)
    throw new UnfitMachine(`this machine cannot run the local cluster: ${lack} (not kind, because ${engine.message})`);
  return new LocalProvider();
}

/** The engine whose daemon answers, or why there is none. */
async function answering(): Promise<Engine | Error> {
  return command(script("engine.sh"), []).then((name) => name.trim() as Engine, said);
}

async function lacks(...purposes: readonly string[]): Promise<string | undefined> {
  return command(script("lacks.sh"), purposes).then(
    () => undefined,
    (error: unknown) => said(error).message,
  );
}

function script(name: string): string {
  return join(ROOT, "test/machine", name);
}

/** Without the first line, which names the command. */
function said(error: unknown): Error {
  const { message } = error as Error;
  return new Error(message.slice(message.indexOf("\n") + 1).trim());
}
