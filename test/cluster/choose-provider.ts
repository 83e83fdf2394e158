import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { KindProvider } from "./kind.ts";
import { LocalProvider } from "./local.ts";
import type { Engine, Provider } from "./provider.ts";

/** kind where an engine runs, else a cluster without one; `WSPROXY_E2E_PROVIDER` decides otherwise. */
export async function chooseProvider(asked: string | undefined): Promise<Provider> {
  if (asked === "local") return new LocalProvider();
  if (asked !== undefined && asked !== "kind") throw new Error("WSPROXY_E2E_PROVIDER is neither kind nor local");
  for (const engine of ["docker", "podman"] as const) if (await runs(engine)) return new KindProvider(engine);
  if (asked === "kind") throw new Error("WSPROXY_E2E_PROVIDER is kind, and neither docker nor podman runs");
  return new LocalProvider();
}

/** The command alone is not enough: it may have no engine to talk to. */
async function runs(engine: Engine): Promise<boolean> {
  return promisify(execFile)(engine, ["info"], { timeout: 10_000 }).then(
    () => true,
    () => false,
  );
}
