import { closeAnswer, type CloseAnswer } from "../../api/admin-pages.ts";
import { configReport } from "../../api/report.ts";
import { jsonAnswer, textAnswer, type AdminAnswer } from "../../runtime/admin-port/admin-endpoint.ts";
import { ask, askText } from "../live/ask.ts";
import { askAll } from "../live/ask-all.ts";
import { LiveFailure } from "../live/live-failure.ts";
import type { Target } from "../live/target.ts";
import type { PodCounts } from "./pod-counts.ts";
import { sumsIn } from "./pod-counts.ts";
import { queryOf } from "./query.ts";
import { answered, toldFailures } from "./told-failure.ts";

/** Configs that one answer tells of: as many as there are pods at most. */
const MOST_ENTRIES = 1000;

/** `/config` of all pods: each entry has its pod. */
export function mergedConfig(target: Target, signal: AbortSignal): Promise<AdminAnswer> {
  return answered(async () => {
    const { answers, failures } = await askAll(
      target,
      (place) => ask(place, { path: "/config" }, configReport, signal),
      signal,
    );
    const proxies = answers.flatMap(({ place, value }) =>
      value.proxies
        .filter(({ proxy }) => place.only === undefined || proxy === place.only)
        .map((one) => (target.single ? one : { ...one, pod: place.name })),
    );
    const beyond = Math.max(0, proxies.length - MOST_ENTRIES);
    const more = answers.reduce((sum, { value }) => sum + value.more, beyond);
    return jsonAnswer({ proxies: proxies.slice(0, MOST_ENTRIES), more, failures: toldFailures(failures) });
  });
}

/** The sums of `/metrics` over all pods that the head line of the page is made of. */
export function mergedMetrics(target: Target, counts: PodCounts, signal: AbortSignal): Promise<AdminAnswer> {
  return answered(async () => {
    const { answers, failures } = await askAll(
      target,
      async (place) => sumsIn(await askText(place, { path: "/metrics" }, signal), place.only),
      signal,
    );
    const sums = new Map(answers.map(({ place, value }) => [place.id, value]));
    const there = new Set([...answers, ...failures].map(({ place }) => place.id));
    return {
      status: 200,
      contentType: "text/plain; version=0.0.4; charset=utf-8",
      body: counts.take(sums, there),
    };
  });
}

const NONE: CloseAnswer = { closed: 0, note: "" };

/** Closes one session by its id, wherever it is. */
export function closeOne(
  target: Target,
  id: string,
  parameters: URLSearchParams,
  signal: AbortSignal,
): Promise<AdminAnswer> {
  return closed(target, `/sessions/${encodeURIComponent(id)}/close`, parameters, ["reason"], signal);
}

/** Closes the sessions of a client, a route or an address in all pods. */
export function closeMany(target: Target, parameters: URLSearchParams, signal: AbortSignal): Promise<AdminAnswer> {
  return closed(target, "/sessions/close", parameters, ["client", "route", "address", "proxy", "reason"], signal);
}

function closed(
  target: Target,
  path: string,
  parameters: URLSearchParams,
  names: readonly string[],
  signal: AbortSignal,
): Promise<AdminAnswer> {
  return answered(async () => {
    const query = queryOf(parameters, names);
    if (typeof query === "string") return textAnswer(400, query);
    let absent: LiveFailure | undefined;
    const { answers, failures } = await askAll(
      target,
      async (place) => {
        try {
          return await ask(place, { method: "POST", path, query }, closeAnswer, signal);
        } catch (error) {
          if (!(error instanceof LiveFailure) || error.kind !== "Absent") throw error;
          absent ??= error;
          return NONE;
        }
      },
      signal,
    );
    const sum = answers.reduce((all, { value }) => all + value.closed, 0);
    const [failed] = failures;
    // A session that no pod has may be in the one that did not answer.
    if (sum === 0 && absent !== undefined) throw failed?.failure ?? absent;
    const note = answers.find(({ value }) => value.note !== "")?.value.note ?? "";
    return jsonAnswer({ closed: sum, note, failures: toldFailures(failures) });
  });
}
