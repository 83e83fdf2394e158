import { closedEndpoint, type AdminEndpoints } from "../../runtime/admin-port/admin-endpoint.ts";
import type { FollowTimes } from "../live/follow.ts";
import type { Target } from "../live/target.ts";
import { EventFeeds } from "./event-feeds.ts";
import { FrameStreams } from "./frame-streams.ts";
import { closeMany, closeOne, mergedConfig, mergedMetrics } from "./merged-answers.ts";
import { PodCounts } from "./pod-counts.ts";
import { recent } from "./recent.ts";
import { SessionPages } from "./session-pages.ts";

/** For how long pages share an answer about all pods, in ms. */
const FRESH = { config: 3000, metrics: 1000 } as const;

/**
 * What the debug page asks for, over all processes of a gateway, in the words of the admin port of one. In a cluster each
 * event, session and config has its `pod`. All is closed, also what a pod shows openly.
 */
export function debugEndpoints(target: Target, signal: AbortSignal, times?: FollowTimes): AdminEndpoints {
  const feeds = new EventFeeds(target, signal, times);
  const frames = new FrameStreams(target, signal, times);
  const sessions = new SessionPages(target, signal);
  const counts = new PodCounts();
  const now = (): number => performance.now();
  const config = recent(FRESH.config, () => mergedConfig(target, signal), now);
  const metrics = recent(FRESH.metrics, () => mergedMetrics(target, counts, signal), now);
  return {
    "/debug/events": closedEndpoint(feeds.answer),
    "/debug/frames": closedEndpoint(frames.answer),
    "/sessions": closedEndpoint(sessions.answer),
    "/sessions/{id}/close": {
      ...closedEndpoint((query, _client, id) => closeOne(target, id ?? "", query, signal)),
      method: "POST",
    },
    "/sessions/close": { ...closedEndpoint((query) => closeMany(target, query, signal)), method: "POST" },
    "/config": closedEndpoint(() => config()),
    "/metrics": closedEndpoint(() => metrics()),
  };
}
