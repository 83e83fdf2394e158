import { describe, expect, test } from "vitest";
import { CertificateBench, DAY, HOST, MINUTE, SECOND, type Replica } from "../../../test/fakes/certificate-bench.ts";
import { X509Certificate } from "node:crypto";

const WRITES = ["POST Secret", "PATCH Secret", "PATCH MutatingWebhookConfiguration"];
const writesOf = ({ calls }: CertificateBench): string[] => calls.filter((call) => WRITES.includes(call));

/** Two replicas that have served for ten minutes. */
async function installed(parts: { readonly ahead?: number } = {}): Promise<CertificateBench> {
  const bench = new CertificateBench();
  bench.install();
  bench.start({ leading: true, ...parts });
  bench.start();
  await bench.pass(12 * MINUTE);
  expect(bench.refused).toEqual([]);
  return bench;
}

const nothingRefused = (bench: CertificateBench) => (): void => {
  expect({ at: bench.wall, refused: bench.refused.length }).toEqual({ at: bench.wall, refused: 0 });
};

/** Another process leads from now on. */
function lead(bench: CertificateBench, leader: Replica): void {
  for (const replica of bench.replicas) replica.leading = replica === leader;
}

describe("a new installation", () => {
  test("has a certificate that is trusted within one look of each replica", async () => {
    const bench = new CertificateBench();
    bench.install();
    const leader = bench.start({ leading: true });
    await bench.settle();
    expect(writesOf(bench)).toEqual(["POST Secret", "PATCH MutatingWebhookConfiguration"]);
    expect(bench.refused).toEqual([]);
    const other = bench.start();
    await bench.settle();
    expect(other.certificates.current).toEqual(leader.certificates.current);
    expect(bench.trusted).toBe(1);
    expect(leader.certificates.expiry).toBe(bench.wall + 90 * DAY);
  });

  test("leaves all other fields of the webhook configuration to the chart", async () => {
    const bench = await installed();
    expect(bench.webhook).toMatchObject({
      failurePolicy: "Fail",
      clientConfig: { service: { name: expect.any(String) } },
    });
  });

  test("ends with one pair in the Secret, for the Service alone", async () => {
    const bench = await installed();
    expect(Object.keys(bench.secret ?? {}).toSorted()).toEqual(["ca.crt", "tls.crt", "tls.key"]);
    expect(new X509Certificate(bench.secret?.["tls.crt"] ?? "").subjectAltName).toBe(`DNS:${HOST}`);
    expect(writesOf(bench)).toEqual(["POST Secret", "PATCH MutatingWebhookConfiguration", "PATCH Secret"]);
  });

  test("whose webhook configuration comes late is said once to lack it, and is right at the next look", async () => {
    const bench = new CertificateBench();
    const leader = bench.start({ leading: true });
    await bench.pass(10 * MINUTE);
    expect(leader.certificates.troubles).toEqual([
      "no MutatingWebhookConfiguration wsproxy has a webhook inject.wsproxy.dev",
    ]);
    expect(leader.lines.filter((line) => line.startsWith("warn"))).toHaveLength(1);
    bench.install();
    await bench.pass(5 * SECOND);
    expect(leader.certificates.troubles).toEqual([]);
    expect(bench.trusts(bench.bundle, leader.certificates.current?.cert ?? "")).toBe(true);
  });
});

describe("over two years", () => {
  test("each certificate is renewed a month before its end, and no call is refused", { timeout: 60_000 }, async () => {
    const bench = await installed();
    const [leader] = bench.replicas as [Replica];
    const served = new Set<string>();
    let least = Number.POSITIVE_INFINITY;
    for (let day = 0; day < 730; day += 1) {
      await bench.pass(DAY, DAY);
      // The hours of a rotation in seconds: a look each 5 s, the bundle after a minute, the old CA after ten.
      if (bench.trusted > 1) await bench.pass(15 * MINUTE, SECOND, nothingRefused(bench));
      nothingRefused(bench)();
      expect(bench.trusted).toBe(1);
      served.add(leader.certificates.current?.cert ?? "");
      least = Math.min(least, (leader.certificates.expiry ?? 0) - bench.wall);
    }
    expect(served.size).toBe(13); // every 60 days and the 15 minutes of each rotation
    expect(least).toBeGreaterThan(28 * DAY);
  });

  test("a restart between any two writes, with another leader, loses nothing", { timeout: 60_000 }, async () => {
    const bench = await installed();
    for (let rotation = 0; rotation < 3; rotation += 1) {
      const before = bench.secret?.["tls.crt"];
      bench.after = ({ method = "GET" }, replica) => {
        if (method !== "GET") replica.abort.abort(); // the process ends right after each write
      };
      await bench.pass(61 * DAY - 20 * MINUTE, 30 * DAY);
      for (let second = 0; second < 40 * 60; second += 1) {
        await bench.pass(SECOND, SECOND, nothingRefused(bench));
        for (const dead of bench.replicas.filter(({ ended }) => ended)) {
          bench.kill(dead);
          bench.start();
          await bench.settle();
          const [leader] = bench.replicas as [Replica];
          lead(bench, leader);
        }
      }
      expect(bench.secret?.["tls.crt"]).not.toBe(before);
      expect(bench.secret).not.toHaveProperty(["next.crt"]);
      expect(bench.trusted).toBe(1);
    }
  });
});
