import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** Resolves when a process listens on a port. */
export async function listening(port: number): Promise<void> {
  for (let patience = 300; patience > 0; patience--) {
    const answered = await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    );
    if (answered) return;
    await sleep(100);
  }
  throw new Error(`no process listens on port ${port}`);
}

/**
 * Ports that refuse, for good: below 1024 the system gives none to a process that asks for any port. One that was closed again may be
 * another test's a moment later, and its gateway would answer.
 */
export const REFUSING_PORTS = [1, 2, 3] as const;

/** A port on which no process listens now; the system may give it to the next that asks for any port. */
export async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
