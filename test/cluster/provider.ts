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
