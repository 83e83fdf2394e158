import type { FleetPod } from "./store-fleet.ts";
import type { Visit } from "./visits.ts";

export interface Sending {
  readonly client: string;
  readonly target: string;
  /** Bytes of one frame, repeated in each write. */
  readonly frames: Buffer;
  /** ms between two writes; what the gateway does not take yet holds them up too. */
  readonly pause: number;
}

/** Sends over one gateway until it is stopped; where the gateway ends the session, over the next one. Tells how many sessions it had. */
export async function send(
  pod: FleetPod,
  { client, target, frames, pause }: Sending,
  stop: AbortSignal,
): Promise<number> {
  let sessions = 0;
  while (!stop.aborted) {
    const visit = await pod.visit(client, target);
    if (visit.status !== 101) throw new Error(`${visit.status} ${visit.reason}`);
    sessions += 1;
    await pour(visit, frames, pause, stop);
    visit.leave();
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  return sessions;
}

async function pour(visit: Visit, frames: Buffer, pause: number, stop: AbortSignal): Promise<void> {
  const { socket } = visit;
  while (!stop.aborted && visit.open && !visit.told) {
    if (socket.writableNeedDrain) await drained(socket);
    else socket.write(frames);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

function drained(socket: Visit["socket"]): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      for (const event of ["drain", "close", "end"]) socket.off(event, done);
      resolve();
    };
    // A held session takes nothing: the stop must still be seen.
    const timer = setTimeout(done, 100);
    for (const event of ["drain", "close", "end"]) socket.once(event, done);
  });
}
