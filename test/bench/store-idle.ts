import { EchoBackend } from "../fakes/echo-backend.ts";
import { descriptorLimit } from "../../runtime/descriptor-limit.ts";
import type { StoreServer } from "../store/server.ts";
import { Driver } from "./load.ts";
import { clientAddress, gateway, usageOf } from "./store-gateways.ts";

/** Share of the file descriptors that sessions may have, two each, in the gateway as in this process. */
const SHARE = 0.8;
/** After this time of quiet a pod has given back what it borrowed, in ms. */
const QUIET = 8000;

const POLICIES = {
  connections: [{ per: "Client", limit: 5 }],
  messages: { fromClient: [{ per: "Client", limit: 100, interval: "1s", burst: 100 }] },
};

/** Commands a second that a pod with `most` idle sessions sends, or with as many as the file descriptors allow. */
export async function idle(
  store: StoreServer,
  most: number,
  ms: number,
): Promise<{ readonly sessions: number; readonly scripts: number; readonly cpu: number }> {
  const sessions = Math.min(most, Math.floor((descriptorLimit().limit * SHARE) / 2));
  const backend = await new EchoBackend().open();
  const process = await gateway(POLICIES, backend.port, store);
  const driver = await Driver.open(process.port, { sessions, size: 1, inFlight: 1, headersOf: clientAddress });
  try {
    await new Promise((resolve) => setTimeout(resolve, QUIET));
    const before = await usageOf(store);
    await new Promise((resolve) => setTimeout(resolve, ms));
    const after = await usageOf(store);
    if ((await process.usage()).sessions !== sessions) throw new Error("a session has ended meanwhile");
    const per = (figure: number): number => (figure * 1000) / ms;
    return { sessions, scripts: per(after.scripts - before.scripts), cpu: per(after.cpu - before.cpu) };
  } finally {
    driver.close();
    await process.close();
    backend.close();
  }
}
