import { expect, test } from "vitest";
import { BucketTable, local } from "../limits/buckets.ts";
import { Metrics } from "../metrics.ts";
import { Subjects } from "../limits/subjects.ts";

test("the metrics show what the limits remember, and what they forgot by reason", async () => {
  const metrics = new Metrics();
  const subjects = new Subjects({ most: 5, mostEach: 3 });
  metrics.process.subjects(subjects);
  const tables = [1, 2].map(() => new BucketTable({ limit: 1, interval: 1, burst: 1 }, subjects, local));
  for (const table of tables) for (let n = 0; n < 5; n += 1) table.of(`client-${n}`, 0);
  const of = async (name: string): Promise<unknown> => (await metrics.registry.getSingleMetric(name)?.get())?.values;
  expect(await of("wsproxy_limit_subjects")).toMatchObject([{ value: 5 }]);
  expect(await of("wsproxy_limit_subjects_forgotten_total")).toMatchObject([
    { labels: { reason: "limit" }, value: subjects.forgotten.limit },
    { labels: { reason: "process" }, value: subjects.forgotten.process },
  ]);
  expect([subjects.forgotten.limit > 0, subjects.forgotten.process > 0]).toEqual([true, true]);
});
