import type { Socket } from "node:net";

/**
 * Destroys a socket in its turn when its peer has reset it. A process that is killed resets all its connections at once,
 * and Node needs a tenth of a millisecond to destroy a TLS socket. Nothing more is read from the socket meanwhile.
 */
export function resetsInTurn(socket: Socket, turns: (task: () => void) => void): void {
  const takeDown = socket._destroy.bind(socket);
  socket._destroy = (error, done) => {
    if (isReset(error)) turns(() => takeDown(error, done));
    else takeDown(error, done);
  };
}

/** A read has failed: the handle gives nothing more, and may wait until it is closed. */
function isReset(error: Error | null): boolean {
  return error !== null && "syscall" in error && error.syscall === "read";
}
