import { randomBytes } from "node:crypto";
import { configReport } from "../../api/report.ts";
import type { AdminEndpoints } from "../../runtime/admin-port/admin-endpoint.ts";
import { AdminGate } from "../../runtime/admin-port/admin-gate.ts";
import { adminServer, type AdminServer } from "../../runtime/admin-port/admin-server.ts";
import { aborted } from "../../runtime/aborted.ts";
import type { CommandIO } from "../line/command.ts";
import { EXIT } from "../line/exit-codes.ts";
import { ask } from "../live/ask.ts";
import { LiveFailure } from "../live/live-failure.ts";
import { openTarget } from "../live/open-target.ts";
import { runLive } from "../live/run-live.ts";
import type { TypedTarget } from "../live/target-options.ts";
import { browserTicket } from "./browser-ticket.ts";
import { debugEndpoints } from "./debug-endpoints.ts";
import { openBrowser } from "./open-browser.ts";

/** Only this machine reaches the page. */
const ADDRESS = "127.0.0.1";

export interface DebugOptions {
  /** 0: any free port. */
  readonly port: number;
  /** Open the page in a browser. */
  readonly open: boolean;
}

/**
 * Serves the debug page of a gateway on this machine until a signal comes. `page`: the files of the page, `/debug` and what
 * stands below it. Resolves with the exit code.
 */
export function debugGateway(
  typed: TypedTarget,
  { port, open }: DebugOptions,
  page: () => Promise<AdminEndpoints>,
  io: CommandIO,
): Promise<number> {
  return runLive("debug", io, async (stop) => {
    const target = await openTarget(typed, stop);
    try {
      // A proxy without pods, or without a right to see them, is told here, and not in the page.
      const [place] = await target.places(stop);
      // Nor that a process named by its URL is not there, or does not take the token.
      if (target.single && place !== undefined) await ask(place, { path: "/config" }, configReport, stop);
      // Of this run: the token of the pods is not shown, and cannot be used any more when this process ends.
      const token = randomBytes(32).toString("base64url");
      const link = `/debug#token=${token}`;
      const gate = new AdminGate();
      gate.use(token);
      const ticket = browserTicket(link, () => performance.now());
      const endpoints = { ...(await page()), ...debugEndpoints(target, stop), ...ticket.endpoints };
      const server = await served(endpoints, port, gate);
      try {
        const base = `http://${ADDRESS}:${server.port}`;
        io.out.write(`${base}${link}\n`);
        io.err.write(`the debug page of ${target.title}; Ctrl-C ends it\n`);
        if (open) openBrowser(`${base}${ticket.path}`, process.platform, process.env);
        await aborted(stop);
      } finally {
        await server.close();
      }
      return EXIT.ok;
    } finally {
      target.close();
    }
  });
}

async function served(endpoints: AdminEndpoints, port: number, gate: AdminGate): Promise<AdminServer> {
  try {
    return await adminServer(endpoints, ADDRESS, port, { gate });
  } catch (cause) {
    const what = `port ${port} on ${ADDRESS} cannot be opened; choose another with --port, or leave it out for any`;
    throw new LiveFailure("NoTarget", what, { cause });
  }
}
