import type { AddressInfo, Server } from "node:net";

/** Where a server is to listen. */
export interface ListenOptions {
  /** `::` is every address of the machine. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly backlog?: number;
}

/** Error codes for `::` on a machine without IPv6. */
const NO_IPV6 = new Set(["EAFNOSUPPORT", "EADDRNOTAVAIL"]);

/**
 * Opens the port of a server. Resolves with the address and port; rejects with Node's error if the port cannot be
 * opened. The host `::` accepts IPv4 too; on a machine without IPv6 it becomes 0.0.0.0.
 */
export async function listen(server: Server, options: ListenOptions): Promise<AddressInfo> {
  try {
    return await open(server, options);
  } catch (error) {
    if (options.host !== "::" || !NO_IPV6.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
    return open(server, { ...options, host: "0.0.0.0" });
  }
}

function open(server: Server, options: ListenOptions): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const opened = (): void => {
      server.off("error", failed);
      // An open port survives a failed accept, such as when no file descriptor is left.
      if (server.listenerCount("error") === 0) server.on("error", () => {});
      resolve(server.address() as AddressInfo);
    };
    const failed = (error: Error): void => {
      server.off("listening", opened);
      reject(error);
    };
    server.once("error", failed);
    server.once("listening", opened);
    server.listen({ ...options, ipv6Only: false });
  });
}
