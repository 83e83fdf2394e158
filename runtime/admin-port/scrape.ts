import { openEndpoint, type AdminAnswer, type AdminEndpoint } from "./admin-endpoint.ts";
import type { Clock } from "../clock.ts";
import { exposition, type MetricSource } from "./exposition.ts";
import { Slices } from "../loop/slices.ts";

/** A text is reused for this many times the time that it took to write. */
const REUSE = 10;

/**
 * The endpoint `/metrics`: writes the text in slices, once for all requests that come meanwhile and for a short time
 * after. However many requests come, it takes at most a tenth of the process's time.
 */
export function metricsEndpoint(source: MetricSource, clock: Clock): AdminEndpoint {
  let answer: Promise<AdminAnswer> | undefined;
  let until = Number.POSITIVE_INFINITY;
  const write = async (): Promise<AdminAnswer> => {
    const slices = new Slices(clock);
    const text = await exposition(source, slices);
    until = clock.now() + REUSE * slices.worked;
    // Bytes, not a string: answers that slow clients have not read yet share one copy.
    return { status: 200, contentType: source.contentType, body: Buffer.from(text) };
  };
  return openEndpoint(() => {
    if (answer === undefined || clock.now() >= until) {
      until = Number.POSITIVE_INFINITY;
      answer = write();
      answer.catch(() => (answer = undefined));
    }
    return answer;
  });
}
