import {
  closedEndpoint,
  jsonAnswer,
  openEndpoint,
  type AdminEndpoints,
} from "../../runtime/admin-port/admin-endpoint.ts";
import type { Clock } from "../../runtime/clock.ts";
import { metricsEndpoint } from "../../runtime/admin-port/scrape.ts";
import { routePage, sessionPage } from "./admin-pages.ts";
import { closeEndpoints } from "./close-sessions.ts";
import { configReport } from "./config-report.ts";
import { debugEvents } from "./debug-events.ts";
import { frameStream } from "./frames.ts";
import { SessionWalks } from "./session-walks.ts";
import type { Gateway } from "../gateway.ts";
import type { Metrics } from "../metrics.ts";

/** The data plane's answers on the admin port. None holds a secret; those that name clients, hosts or backends are closed. */
export function adminEndpoints(gateway: Gateway, metrics: Metrics, clock: Clock): AdminEndpoints {
  const walks = new SessionWalks(gateway, clock);
  return {
    "/healthz": openEndpoint(() => jsonAnswer({ status: "ok" })),
    "/readyz": openEndpoint(() =>
      gateway.ready ? jsonAnswer({ status: "ready" }) : jsonAnswer({ status: "not ready" }, 503),
    ),
    "/metrics": metricsEndpoint(metrics.registry, clock),
    "/config": closedEndpoint(() => jsonAnswer(configReport(gateway))),
    "/config/routes": closedEndpoint((query) => routePage(gateway, query, clock)),
    "/sessions": closedEndpoint((query, { gone }) => sessionPage(walks, query, gone)),
    ...closeEndpoints(walks),
    "/debug/events": closedEndpoint((query) => debugEvents(gateway, clock, query)),
    "/debug/frames": closedEndpoint((query) => frameStream(gateway, query)),
  };
}
