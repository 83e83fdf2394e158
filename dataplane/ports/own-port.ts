import type { OpenPort } from "./open-port.ts";

/** Where the admin port of the process is open. */
export interface AdminAddress {
  readonly address: string;
  readonly port: number;
}

/**
 * Why that port of the pod is no backend: this process itself is open there; undefined: it is not. A sidecar's admin port
 * may have been moved to a backend's, and its listener may be that of an older config.
 */
export function ownPort(
  port: number,
  listeners: Iterable<OpenPort>,
  admin: AdminAddress | undefined,
): string | undefined {
  const never = `localhost:${port} is this gateway itself`;
  for (const listener of listeners) {
    if (listener.number === port && takesLoopback(listener.address))
      return `${never}, its listener; change the port of the backend, or spec.listener.port`;
  }
  if (admin?.port === port && takesLoopback(admin.address))
    return `${never}, its admin port; change the port of the backend, or the admin port`;
  return undefined;
}

/** Does a socket that is open at this address take what is sent to the host itself? */
function takesLoopback(address: string): boolean {
  return ["::", "0.0.0.0", "::1"].includes(address) || address.startsWith("127.");
}
