import type { Watching } from "../../dataplane/debug/watching.ts";

/** Between two portions, in ms. */
const TICK = 5;
/** Policies that each of them went through. */
const POLICIES = ["deny", "origins", "attempts", "authentication", "connections"];

/** What was told, and how long that took in ms. */
export interface Told {
  readonly handshakes: number;
  readonly millis: number;
}

/**
 * Tells of so many handshakes in a second, without their sockets: each with its whole trace and its 101, and with the end of
 * its session. No machine of CI opens thousands of connections in a second beside what it tests.
 */
export async function tellHandshakes(watching: Watching, perSecond: number, seconds: number): Promise<Told> {
  const begun = performance.now();
  const most = perSecond * seconds;
  let handshakes = 0;
  while (handshakes < most) {
    await new Promise((resolve) => setTimeout(resolve, TICK));
    const due = Math.min(most, ((performance.now() - begun) / 1000) * perSecond);
    for (; handshakes < due; handshakes += 1) tell(watching, handshakes);
  }
  return { handshakes, millis: performance.now() - begun };
}

function tell(watching: Watching, number: number): void {
  const trace = watching.trace();
  if (trace !== undefined) {
    Object.assign(trace, { host: "chat.example.com", path: `/rooms/${number}` });
    trace.planned(POLICIES, false);
    for (const step of ["handshake", "route", "capacity", ...POLICIES, "backend", "answer"]) trace.passed(step);
  }
  const client = { client: `client-${number}`, address: "192.0.2.1", requestId: `request-${number}` };
  const line = { proxy: "test/proxy", route: "main", ...client, session: `session-${number}`, status: 101 };
  watching.tell("SessionOpened", { ...line, endpoint: "192.0.2.9:8080" }, trace);
  const counts = { messages: { fromClient: 1, fromBackend: 1 }, bytes: { fromClient: 9, fromBackend: 9 } };
  const end = { code: 1000, reason: "Closed", by: "client", duration: 1.5 };
  watching.tell("SessionClosed", { ...line, ...end, ...counts }, undefined);
}
