import { afterEach, beforeEach, expect, test } from "vitest";
import { configReport as schema, REPORT, type ConfigReport } from "../../api/report.ts";
import { configOf, endpointsOf } from "../../test/fakes/config.ts";
import { TestGateway } from "../../test/fakes/gateway.ts";

let gateway: TestGateway;
beforeEach(() => (gateway = new TestGateway()));
afterEach(() => gateway.close());

async function told(): Promise<{ readonly report: ConfigReport; readonly bytes: number }> {
  const { body } = await gateway.admin("/config");
  return { report: schema.parse(JSON.parse(body)), bytes: Buffer.byteLength(body) };
}

/** A config with so many unknown fields, each with a name of this text. */
const wrong = (count: number, text: string): object => ({
  ...configOf(),
  ...Object.fromEntries(Array.from({ length: count }, (_, at) => [`${text}${at}`, 1])),
});

test.each([
  ["short words", "x", 8],
  ["long words", "x".repeat(5000), 8],
  ["characters of three bytes", "€".repeat(5000), 3],
  ["characters that JSON writes as six bytes", "\u0001".repeat(5000), 8],
  ["halves of characters", "\ud83d".repeat(5000), 8],
  ["line ends", "\n".repeat(5000), 8],
  ["characters beside the basic plane", "😀".repeat(5000), 3],
])("with many mistakes of %s the report of a proxy fits 4 KiB, and says the first of them", async (_, text, least) => {
  await gateway.serve({}, [1]);
  expect(await gateway.apply(wrong(20, text) as never, endpointsOf([1]))).toMatchObject({ ok: false });
  const { report, bytes } = await told();
  expect(bytes).toBeLessThanOrEqual(REPORT.largest);
  expect(report.proxies[0]?.rejected?.problems.length).toBeGreaterThanOrEqual(least);
  expect(report.proxies[0]?.rejected?.problems[0]).toMatch(/^config[.[]/);
});

test("the longest name beside the longest problems fits too", async () => {
  const name = `${"a".repeat(63)}.`.repeat(3) + "b".repeat(61);
  const config = { ...wrong(100, "\u0001".repeat(500)), proxy: { namespace: "n".repeat(63), name, generation: 1 } };
  await gateway.apply(config as never, endpointsOf([1]));
  const { report, bytes } = await told();
  expect(bytes).toBeLessThanOrEqual(REPORT.largest);
  expect(report.proxies[0]).toMatchObject({ proxy: `${"n".repeat(63)}/${name}`, rejected: { stage: "config" } });
});

test("of many proxies the report holds the first 64, and the number of the others", async () => {
  for (let index = 0; index < 70; index += 1) {
    const config = { ...wrong(1, "x"), proxy: { namespace: "test", name: `proxy-${index}`, generation: 1 } };
    await gateway.apply(config as never, endpointsOf([1]));
  }
  const { report } = await told();
  expect([report.proxies.length, report.proxies[63]?.proxy, report.more]).toEqual([64, "test/proxy-63", 6]);
});
