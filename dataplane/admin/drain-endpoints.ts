import {
  closedEndpoint,
  jsonAnswer,
  openEndpoint,
  type AdminEndpoints,
} from "../../runtime/admin-port/admin-endpoint.ts";
import type { Clock } from "../../runtime/clock.ts";
import { Drained } from "./drained.ts";
import type { ProcessDrain } from "./process-drain.ts";

/** The endpoints with which a pod's preStop hooks begin a drain, and wait for it. */
export function drainEndpoints(drain: ProcessDrain, clock: Clock): AdminEndpoints {
  const drained = new Drained(drain, clock);
  return {
    "/drain": {
      ...closedEndpoint(() => {
        drain.begin();
        return drain.over.aborted ? jsonAnswer({ status: "drained" }) : jsonAnswer({ status: "draining" }, 202);
      }),
      method: "POST",
    },
    "/drained": { ...openEndpoint((_, client) => drained.answer(client)), waits: true },
  };
}
