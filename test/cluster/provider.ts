import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { KindProvider } from "./kind.ts";
import { LocalProvider } from "./local.ts";

/**
 * A Kubernetes to test against. This machine has routes to the addresses of its Services and pods: clients dial them as
 * they would inside, with nothing in between.
 */
export interface Provider {
  readonly name: string;
  readonly kubeconfig: string;
  /** One that an earlier run has kept is up. */
  isUp(): Promise<boolean>;
  /** Resolves when the node is ready and names are resolved. Clears away what an earlier run has left. */
  up(): Promise<void>;
  /** Nothing is left. It may be called at any time. */
  down(): Promise<void>;
  /** Gives an image to the node, from a docker archive. */
  load(archive: string): Promise<void>;
  /** Gives an image of the node another name, and keeps the one that it has. Names are whole: registry, path, tag. */
  tag(name: string, other: string): Promise<void>;
  /** Ends the process of a container with SIGKILL. */
  kill(container: string): Promise<void>;
  /** Ends the API server at once, as when its machine dies. */
  stopApiServer(): Promise<void>;
  startApiServer(): Promise<void>;
  /** Copies the log of every component into a folder. */
  logs(folder: string): Promise<void>;
}

export type Engine = "docker" | "podman";

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
