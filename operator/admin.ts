import { jsonAnswer, openEndpoint, type AdminEndpoints } from "../runtime/admin-port/admin-endpoint.ts";
import type { Clock } from "../runtime/clock.ts";
import { metricsEndpoint } from "../runtime/admin-port/scrape.ts";
import type { Controller } from "./controller.ts";

/**
 * The operator's answers on the admin port, all without a token. A process is ready when it could lead at once, and its
 * webhook could answer: a process that waits for the Lease is ready too.
 */
export function operatorEndpoints(
  controller: Controller,
  clock: Clock,
  webhookUsable = (): boolean => true,
): AdminEndpoints {
  return {
    "/healthz": openEndpoint(() => jsonAnswer({ status: "ok" })),
    "/readyz": openEndpoint(() =>
      controller.ready && webhookUsable() ? jsonAnswer({ status: "ready" }) : jsonAnswer({ status: "not ready" }, 503),
    ),
    "/metrics": metricsEndpoint(controller.metrics.registry, clock),
  };
}
