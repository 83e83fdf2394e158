import type { AddressInfo, Server } from "node:net";

/** Where a server is to listen. */
export interface Place {
  /** `::` is every address of the machine. */
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
  readonly backlog?: number;
}

/** What a machine without IPv6 says when it is asked for `::`. */
const NO_IPV6 = new Set(["EAFNOSUPPORT", "EADDRNOTAVAIL"]);

/**
 * Opens a server's port and says where that is; rejects where it cannot be had. `::` takes IPv4 too, and is 0.0.0.0 on a
 * machine that has no IPv6.
 */
export async function listen(server: Server, place: Place): Promise<AddressInfo> {
  try {
    return await open(server, place);
  } catch (error) {
    if (place.host !== "::" || !NO_IPV6.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
    return open(server, { ...place, host: "0.0.0.0" });
  }
}

function open(server: Server, place: Place): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const opened = (): void => {
      server.off("error", failed);
      // An open port goes on when a connection cannot be taken, as where no descriptor is left.
      if (server.listenerCount("error") === 0) server.on("error", () => {});
      resolve(server.address() as AddressInfo);
    };
    const failed = (error: Error): void => {
      server.off("listening", opened);
      reject(error);
    };
    server.once("error", failed);
    server.once("listening", opened);
    server.listen({ ...place, ipv6Only: false });
  });
}
