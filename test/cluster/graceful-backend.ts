import type { V1Deployment, V1Service } from "@kubernetes/client-node";
import { sampleBackend } from "./workloads.ts";

/** Seconds in which a pod that is told to stop is taken out of every list: what the guide of upgrades says. */
const NOTICE = 4;

/**
 * The sample backend as a rollout under traffic needs it: a pod that is told to stop still takes clients until no gateway sends
 * it any. What has been sent to a backend is not sent to another: it may have acted on it.
 */
export function gracefulBackend(image?: string, replicas = 3): [V1Deployment, V1Service] {
  const [deployment, service] = sampleBackend("sample-backend", replicas);
  for (const container of deployment.spec?.template.spec?.containers ?? []) {
    container.lifecycle = { preStop: { sleep: { seconds: NOTICE } } };
    if (image !== undefined) container.image = image;
  }
  return [deployment, service];
}
