import { expect } from "vitest";
import { authorities, CertificateBench, MINUTE, SECOND, type ReplicaParts } from "./certificate-bench.ts";

/** Long enough for a whole rotation. */
export const ROTATION = 15 * MINUTE;

/** Two replicas that have served for 12 minutes. */
export async function installed(first: ReplicaParts = {}, second: ReplicaParts = {}): Promise<CertificateBench> {
  const bench = new CertificateBench();
  bench.install();
  bench.start({ leading: true, ...first });
  await bench.settle();
  bench.start(second);
  await bench.pass(12 * MINUTE, 5 * SECOND);
  expect(bench.refused).toEqual([]);
  return bench;
}

/** Lets time pass; no call is refused in it. */
export async function calm(bench: CertificateBench, ms: number): Promise<void> {
  await bench.pass(ms, 2.5 * SECOND, () => {
    expect({ at: bench.wall, refused: bench.refused.length }).toEqual({ at: bench.wall, refused: 0 });
  });
}

export const certs = (bench: CertificateBench): Set<string | undefined> =>
  new Set(bench.replicas.map(({ certificates: { current } }) => current?.cert));

/** One pair, ours, for the Service, trusted by one CA. */
export function expectGood(bench: CertificateBench): void {
  expect(bench.refused).toEqual([]);
  expect(bench.trusted).toBe(1);
  expect(Object.keys(bench.secret ?? {}).toSorted()).toEqual(["ca.crt", "tls.crt", "tls.key"]);
  expect(authorities(bench.bundle)[0]?.subject).toMatch(/^CN=wsproxy-webhook-ca-[0-9a-f]{16}$/);
}
