import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";

/** Destroys a socket with all that waits for its peer: a reset also frees what the kernel keeps, which is some megabytes. */
export function dropSocket(socket: Socket): void {
  // Node cannot reset TLS sockets, and a reset does not close a socket whose end is under way.
  if (socket instanceof TLSSocket || socket.writableLength === 0) socket.destroy();
  else socket.resetAndDestroy();
}
