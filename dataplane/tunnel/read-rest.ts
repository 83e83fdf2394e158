import type { Socket } from "node:net";
import type { Clock } from "../../runtime/clock.ts";

/** For the reading of what came before a reset, in ms. */
const REST = 2000;

/** What Node notes at a failed write, and `@types/node` does not declare. */
interface Noting {
  readonly _readableState: { errored: Error | null };
}

/**
 * Reads a socket to its end although its peer has reset the connection, as one does that closes while bytes for it arrive.
 * What the peer sent before, such as its Close frame, still waits in the kernel or in the paused socket, and Node would
 * destroy the socket with it.
 */
export function readsRest(socket: Socket, clock: Clock): void {
  const destroy = socket.destroy.bind(socket);
  socket.destroy = (error) => {
    const failed = socket.readableEnded ? undefined : failedCall(error);
    if (failed === undefined || (failed === "read" && socket.readableLength === 0)) return destroy(error);
    const { _readableState: noted } = socket as unknown as Noting;
    noted.errored = null; // else no `end` follows
    if (failed === "read") socket.push(null);
    const timer = clock.after(REST, () => destroy());
    socket.once("end", () => destroy());
    socket.once("close", () => timer.cancel());
    return socket;
  };
}

/** Which call has failed because of a reset. */
function failedCall(error: Error | undefined): "read" | "write" | undefined {
  if (error === undefined || !("syscall" in error) || !("code" in error)) return undefined;
  if (error.code !== "EPIPE" && error.code !== "ECONNRESET") return undefined;
  return error.syscall === "read" || error.syscall === "write" ? error.syscall : undefined;
}
