import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";

/** Destroys a socket with its unflushed bytes. A reset also frees those in the kernel, which may be some megabytes. */
export function dropSocket(socket: Socket): void {
  // Node cannot reset TLS sockets, and a reset does not close a socket that is about to send its FIN.
  if (socket instanceof TLSSocket || socket.writableLength === 0) socket.destroy();
  else socket.resetAndDestroy();
}
