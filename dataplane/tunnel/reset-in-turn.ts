import type { Socket } from "node:net";

/**
 * Takes a socket down in its turn where its peer has reset it. A process that is killed may reset all its connections at
 * once, and Node needs a tenth of a millisecond to take a TLS socket down. Nothing more is read from it meanwhile.
 */
export function resetsInTurn(socket: Socket, turns: (task: () => void) => void): void {
  const takeDown = socket._destroy.bind(socket);
  socket._destroy = (error, done) => {
    if (isReset(error)) turns(() => takeDown(error, done));
    else takeDown(error, done);
  };
}

/** The system has given up reading: from there on the handle is silent, and may wait to be closed. */
function isReset(error: Error | null): boolean {
  return error !== null && "syscall" in error && error.syscall === "read";
}
