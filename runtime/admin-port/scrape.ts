import { openEndpoint, type AdminAnswer, type AdminEndpoint } from "./admin-endpoint.ts";
import type { Clock } from "../clock.ts";
import { exposition, type MetricSource } from "./exposition.ts";
import { Slices } from "../loop/slices.ts";

/** A text is handed out again for so many times as long as it took to write. */
const REUSE = 10;

/**
 * `/metrics`: written in slices, once for all requests that ask meanwhile and for a short time after. However often it is
 * asked for, it takes a tenth of the process's time at the most.
 */
export function metricsEndpoint(source: MetricSource, clock: Clock): AdminEndpoint {
  let answer: Promise<AdminAnswer> | undefined;
  let until = Number.POSITIVE_INFINITY;
  const write = async (): Promise<AdminAnswer> => {
    const slices = new Slices(clock);
    const text = await exposition(source, slices);
    until = clock.now() + REUSE * slices.worked;
    // Bytes: answers that slow clients have not taken yet share them.
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
