import { describe, expect, test } from "vitest";
import { CertificateBench, MINUTE, SECOND, type Replica } from "../../../test/fakes/certificate-bench.ts";

// How soon a process can serve, and whether it knows that API servers trust it.

const HALF = SECOND / 2;
const CONFIGURATION = "mutatingwebhookconfigurations";

/** No write of the bundle succeeds, and no read of it where `reads`. */
function withoutBundle(bench: CertificateBench, status: number, reads = false): void {
  bench.fault = ({ method = "GET", path }) =>
    path.includes(CONFIGURATION) && (reads || method !== "GET") ? { status } : undefined;
}

function fresh(): [CertificateBench, Replica, Replica] {
  const bench = new CertificateBench();
  bench.install();
  return [bench, bench.start(), bench.start()];
}

const trusted = (...replicas: readonly Replica[]): readonly boolean[] =>
  replicas.map(({ certificates }) => certificates.trusted);

describe("a new installation", () => {
  test("serves half a second after a replica leads, and the other half a second after that", async () => {
    const [bench, first, second] = fresh();
    await bench.pass(3 * SECOND, HALF);
    first.leading = true;
    await bench.pass(HALF, HALF);
    expect(first.certificates.current).toBeDefined();
    await bench.pass(HALF, HALF);
    expect(second.certificates.current).toEqual(first.certificates.current);
    expect(trusted(first, second)).toEqual([true, true]);
  });

  test("looks every five seconds again as soon as it serves", async () => {
    const [bench, first] = fresh();
    first.leading = true;
    await bench.pass(MINUTE, HALF);
    bench.calls.splice(0);
    await bench.pass(MINUTE, HALF);
    expect(bench.calls.filter((call) => call === "GET Secret").length).toBeLessThanOrEqual(24);
  });

  test("of which the leader can write nothing asks every five seconds, however often the other looks", async () => {
    const [bench, first] = fresh();
    first.leading = true;
    bench.fault = ({ method = "GET" }) => (method === "GET" ? undefined : { status: 500 });
    await bench.pass(MINUTE, HALF);
    expect(bench.calls.filter((call) => call === "POST Secret").length).toBeLessThanOrEqual(13);
  });
});

describe("a replica that waits for the leader", () => {
  const vain = (...replicas: readonly Replica[]): readonly boolean[] =>
    replicas.map(({ certificates }) => certificates.isInVain);

  test("of another version waits in vain after 30 s, so that it can be ready and take over; then it waits for itself", async () => {
    const [bench, first, second] = fresh();
    await bench.pass(29 * SECOND, HALF, () => expect(vain(first, second)).toEqual([false, false]));
    await bench.pass(SECOND, HALF);
    expect(vain(first, second)).toEqual([true, true]);
    withoutBundle(bench, 500);
    first.leading = true;
    await bench.pass(MINUTE, HALF);
    expect(vain(first, second)).toEqual([false, true]);
    bench.fault = () => undefined;
    await bench.pass(6 * SECOND, HALF);
    expect([vain(first, second), trusted(first, second)]).toEqual([
      [false, false],
      [true, true],
    ]);
  });

  test.each(["secrets", CONFIGURATION])("and cannot read %s is not ready: another one may serve", async (kind) => {
    const [bench, first] = fresh();
    bench.fault = ({ path }, replica) =>
      replica === first && path.includes(`/${kind}/`) ? { status: 500 } : undefined;
    await bench.pass(MINUTE, HALF);
    expect(vain(first)).toEqual([false]);
  });

  test("is no replica for which another controller writes", async () => {
    const bench = new CertificateBench();
    bench.install();
    const replica = bench.start({ source: "secret" });
    await bench.pass(MINUTE, HALF);
    expect(vain(replica)).toEqual([false]);
  });
});

describe("trust", () => {
  test("is awaited by both replicas until the bundle has the CA of what they serve", async () => {
    const [bench, first, second] = fresh();
    withoutBundle(bench, 500);
    first.leading = true;
    await bench.pass(MINUTE, HALF);
    expect([first.certificates.current, second.certificates.current]).toEqual([expect.anything(), expect.anything()]);
    expect(trusted(first, second)).toEqual([false, false]);
    bench.fault = () => undefined;
    await bench.pass(6 * SECOND, HALF);
    expect(trusted(first, second)).toEqual([true, true]);
  });

  test("that was there once stays, whatever another writer does to the bundle", async () => {
    const [bench, first, second] = fresh();
    first.leading = true;
    await bench.pass(MINUTE, HALF);
    withoutBundle(bench, 500);
    bench.setBundle(undefined);
    await bench.pass(MINUTE, SECOND, () => expect(trusted(first, second)).toEqual([true, true]));
  });

  test("is not awaited without a webhook configuration, and is as soon as there is one", async () => {
    const bench = new CertificateBench();
    const [first, second] = [bench.start({ leading: true }), bench.start()];
    await bench.pass(10 * SECOND, HALF);
    expect(trusted(first, second)).toEqual([true, true]);
    withoutBundle(bench, 500);
    bench.install();
    await bench.pass(6 * SECOND, HALF);
    expect(trusted(first, second)).toEqual([false, false]);
    bench.fault = () => undefined;
    await bench.pass(6 * SECOND, HALF);
    expect(trusted(first, second)).toEqual([true, true]);
  });

  test("is not awaited where the configuration may not be read, and is where it cannot be read now", async () => {
    for (const [status, wanted] of [
      [403, true],
      [500, false],
    ] as const) {
      const [bench, first, second] = fresh();
      withoutBundle(bench, status, true);
      first.leading = true;
      await bench.pass(10 * SECOND, HALF);
      expect(trusted(first, second)).toEqual([wanted, wanted]);
    }
  });

  test("is another controller's where that writes the bundle", () => {
    const bench = new CertificateBench();
    bench.install();
    expect(trusted(bench.start({ source: "secret" }))).toEqual([true]);
  });
});
