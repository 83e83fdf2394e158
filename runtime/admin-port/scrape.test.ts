import { expect, test } from "vitest";
import { answerOf } from "../../test/fakes/admin-client.ts";
import { FakeClock } from "../../test/fakes/clock.ts";
import { until } from "../../test/fakes/sockets.ts";
import type { AdminAnswer } from "./admin-endpoint.ts";
import type { MetricSource } from "./exposition.ts";
import { metricsEndpoint } from "./scrape.ts";

/** A registry of metrics that take so many ms each to write. */
class Slow implements MetricSource {
  readonly contentType = "text/plain";
  readonly clock = new FakeClock();
  readonly names: readonly string[];
  cost = 0;
  written = 0;
  fails = false;

  constructor(count: number) {
    this.names = Array.from({ length: count }, (_, index) => `metric_${index}`);
  }

  getMetricsAsArray(): readonly unknown[] {
    return this.names.map((name) => ({ get: async () => ({ name, values: [1] }) }));
  }

  async getMetricsAsString(metric: { get(): Promise<{ readonly name: string }> }): Promise<string> {
    this.clock.advance(this.cost);
    this.written += 1;
    if (this.fails) throw new Error("no");
    return `${(await metric.get()).name} ${this.written}`;
  }
}

function bench(count: number, cost: number) {
  const source = new Slow(count);
  source.cost = cost;
  const endpoint = metricsEndpoint(source, source.clock);
  const answer = (): Promise<AdminAnswer> => answerOf(endpoint);
  const text = async (): Promise<string> => Buffer.from((await answer()).body).toString("utf8");
  return { source, answer, text };
}

test("the text is that of all metrics, in order, each behind an empty line", async () => {
  const { text, answer } = bench(3, 0);
  expect(await text()).toBe("metric_0 1\n\nmetric_1 2\n\nmetric_2 3\n");
  expect(await answer()).toMatchObject({ status: 200, contentType: "text/plain" });
});

test("all requests that come while it is written get the same bytes, which are written once", async () => {
  const { source, answer } = bench(4, 10);
  const answers = await Promise.all(Array.from({ length: 100 }, async () => answer()));
  expect(source.written).toBe(4);
  expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
});

test("it is written anew when ten times as long has passed as it took, so that a crowd gets a tenth of the time", async () => {
  const { source, text } = bench(4, 10);
  const first = await text();
  source.clock.advance(399);
  expect(await text()).toBe(first);
  source.clock.advance(1);
  expect(await text()).not.toBe(first);
});

test("a text that costs nothing is as new as can be", async () => {
  const { text } = bench(1, 0);
  expect([await text(), await text()]).toEqual(["metric_0 1\n", "metric_0 2\n"]);
});

test("the event loop has its turn while a large text is written", async () => {
  const { answer, source } = bench(40, 5);
  let seen = 0;
  const done = Promise.resolve(answer());
  setImmediate(() => (seen = source.written));
  await done;
  expect(seen).toBeGreaterThan(0);
  expect(seen).toBeLessThan(5);
});

test("what failed is tried again by the next one that asks", async () => {
  const { source, answer, text } = bench(2, 10);
  source.fails = true;
  await expect(answer()).rejects.toThrow("no");
  source.fails = false;
  await until("it is written", async () => (await text()).includes("metric_1"));
});
