import type { Socket } from "node:net";

/** What `@types/node` leaves out. */
interface Handled {
  _handle?: { reading?: boolean; readStart?: () => void; readStop?: () => void } | null;
}

/** Reads a socket that was accepted paused, or on after `stopReading`. */
export function startReading(socket: Socket): void {
  const handle = (socket as unknown as Handled)._handle;
  if (handle?.reading === false && handle.readStart !== undefined) {
    handle.reading = true;
    handle.readStart();
  }
  socket.resume();
}

/**
 * Leaves what a client sends in the kernel. `pause` alone would read one chunk more, of 64 KiB at most;
 * so it is if a future Node has no such handle.
 */
export function stopReading(socket: Socket): void {
  socket.pause();
  const handle = (socket as unknown as Handled)._handle;
  if (handle?.reading === true && handle.readStop !== undefined) {
    handle.reading = false;
    handle.readStop();
  }
}
