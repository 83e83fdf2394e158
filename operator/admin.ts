import type { AdminAnswer, AdminHandlers } from "../runtime/admin-server.ts";
import type { Controller } from "./controller.ts";

const json = (body: unknown, status = 200): AdminAnswer => ({
  status,
  contentType: "application/json; charset=utf-8",
  body: `${JSON.stringify(body)}\n`,
});

/** The operator's answers on the admin port. Ready is who could lead at once: who waits for the Lease is ready too. */
export function operatorHandlers(controller: Controller): AdminHandlers {
  return {
    "/healthz": () => json({ status: "ok" }),
    "/readyz": () => (controller.ready ? json({ status: "ready" }) : json({ status: "not ready" }, 503)),
    "/metrics": async () => ({
      status: 200,
      contentType: controller.metrics.registry.contentType,
      body: await controller.metrics.registry.metrics(),
    }),
  };
}
